// ssdScan's products of blocks, in registers and on emulated matrix units: which are taken, and that they are right whichever way
// factors lie, with sums over rows and columns.

import {expect} from 'chai';
import {relativeError} from '../../custom-ops/parity.js';
import type {Precision} from '../../custom-ops/precision.js';
import {seededRandom} from '../../custom-ops/sampling.js';
import type {Blocks, Factor} from '../../custom-ops/ssd-scan/blocks.wgsl.js';
import {BLOCK} from '../../custom-ops/ssd-scan/blocks.wgsl.js';
import {matrixBlocks} from '../../custom-ops/ssd-scan/matrix-blocks.wgsl.js';
import {registerBlocks} from '../../custom-ops/ssd-scan/register-blocks.wgsl.js';
import type {GpuLimits, Pass} from '../../custom-ops/wgsl/plan.js';
import {least, nvidia, squareUnit} from '../support/devices.js';
import {tallUnit, unitsOf, withMatrixUnits} from '../support/emulated-matrices.js';
import {roundedHalf} from '../support/rounded-halves.js';
import {runPass} from '../support/run-pass.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

const CHUNK = 64;

describe('blocks of ssdScan on matrix units', () => {
  it('are taken for float16 where a device has units and room for them', () => {
    const taken = (limits: Partial<GpuLimits>, precision: Precision = 'float16'): boolean =>
      matrixBlocks(precision, {...nvidia, ...limits}, CHUNK) !== undefined;
    expect(taken({})).to.equal(true);
    expect(taken({workgroupBytes: 32768})).to.equal(true);
    expect(taken({workgroupBytes: 16384})).to.equal(false);
    expect(taken({invocations: 64})).to.equal(false);
    expect(taken({matrixUnits: undefined})).to.equal(false);
    expect(taken({matrixUnits: {...unitsOf([squareUnit]), lanes: 64}})).to.equal(false);
    expect(taken({matrixUnits: unitsOf([{...squareUnit, rows: 64}])})).to.equal(false);
    expect(taken({}, 'float32')).to.equal(false);
    expect(taken({}, 'bfloat16')).to.equal(false);
  });
});

/** Numbers along the inner dimension of two products: no multiple of what any tile has, and a whole one. */
const [FIRST, SECOND] = [40, 64];
const SIZE = BLOCK * BLOCK;

/** out = 2a 2b + (2c)^T (2d)^T, with rows of a and d along the inner dimension, and its sums over rows and columns. */
function pass(blocks: Blocks): Pass {
  const line = (name: string, lines: number): string => `
fn ${name}Fetched(line: u32, quad: u32) -> vec4f { return ${name}[min(line, ${lines - 1}u) * ${BLOCK / 4}u + quad]; }
fn ${name}Made(line: u32, quad: u32, fetched: vec4f) -> vec4f {
  return select(vec4f(), 2.0 * fetched, line < ${lines}u);
}`;
  const factor = (of: string, alongInner: boolean): Factor => ({
    fetched: `${of}Fetched`,
    made: `${of}Made`,
    alongInner,
    first: '0u',
  });
  const sums = blocks.sums('sum');
  return {
    name: 'products of blocks',
    matrices: blocks.matrices,
    read: {a: 'vec4f', b: 'vec4f', c: 'vec4f', d: 'vec4f'},
    write: {out: 'f32'},
    workgroups: [1, 1, 1],
    code: `
${line('a', BLOCK)}
${line('b', FIRST)}
${line('c', SECOND)}
${line('d', BLOCK)}
${blocks.declarations}
@compute @workgroup_size(${blocks.threads})
fn main(@builtin(local_invocation_index) local: u32) {
  ${blocks.placeOfThread}
  ${sums.declare}
  ${blocks.open(sums)}
  ${blocks.multiply(factor('a', true), factor('b', false), sums, '0u', `${FIRST}u`)}
  ${blocks.multiply(factor('c', false), factor('d', true), sums, '0u', `${SECOND}u`)}
  ${blocks.settle(sums)}
  ${blocks.sumRows(
    'rowSum',
    sums.names.map(([left, right]) => `dot(${left} + ${right}, vec4f(1.0))`),
  )}
  ${blocks.sumColumns(
    'columnSum',
    [0, 1].map(c => sums.names.map(line => line[c]).join(' + ')).map(sum => `(${sum})`),
  )}
  if (local < ${BLOCK}u) { out[${SIZE}u + local] = rowSum; out[${SIZE + BLOCK}u + local] = columnSum; }
  ${sums.each(
    (sum, i, c) => `{
    let at = ${blocks.rowOf(i)} * ${BLOCK}u + 4u * ${blocks.quadOf(c)};
    out[at] = ${sum}.x; out[at + 1u] = ${sum}.y; out[at + 2u] = ${sum}.z; out[at + 3u] = ${sum}.w;
  }`,
  )}
}`,
  };
}

/** What was found. `round`: what happens to factors; they are doubled before, which changes no digits. */
async function expectProducts(
  blocks: Blocks,
  tolerance: number,
  round: (value: number) => number = value => value,
): Promise<Float32Array> {
  const random = seededRandom(7);
  const draw = (lines: number): Float32Array =>
    Float32Array.from({length: lines * BLOCK}, () => random.normal());
  const given = [draw(BLOCK), draw(FIRST), draw(SECOND), draw(BLOCK)];
  const [a, b, c, d] = given.map(values => values.map(round));
  const expected = new Float64Array(SIZE + 2 * BLOCK);
  for (let row = 0; row < BLOCK; row++) {
    for (let column = 0; column < BLOCK; column++) {
      let sum = 0;
      for (let k = 0; k < FIRST; k++) sum += 4 * a[row * BLOCK + k] * b[k * BLOCK + column];
      for (let k = 0; k < SECOND; k++) sum += 4 * c[k * BLOCK + row] * d[column * BLOCK + k];
      expected[row * BLOCK + column] = sum;
      expected[SIZE + row] += sum;
      expected[SIZE + BLOCK + column] += sum;
    }
  }
  // What lies beyond the inner dimension in a is not to be read into the sums.
  for (let row = 0; row < BLOCK; row++) given[0].fill(0, row * BLOCK + FIRST, (row + 1) * BLOCK);
  const inputs = {a: given[0], b: given[1], c: given[2], d: given[3]};
  const found = await runPass(pass(blocks), inputs, expected.length);
  for (const [from, to] of [
    [0, SIZE],
    [SIZE, SIZE + BLOCK],
    [SIZE + BLOCK, expected.length],
  ])
    expect(relativeError(found.subarray(from, to), expected.subarray(from, to))).to.be.at.most(tolerance);
  return found;
}

describe('products of blocks of ssdScan', function () {
  this.timeout(300_000);
  before(async function () {
    await useWebGPUOrSkip(this);
  });

  for (const [precision, round] of [
    ['float32', (value: number) => value],
    ['float16', roundedHalf],
  ] as const)
    it(`in registers, factors in ${precision}, and to the same bits with steps in a loop`, async () => {
      const written = await expectProducts(registerBlocks(precision, least), 1e-6, round);
      const looped = await expectProducts(registerBlocks(precision, {...least, loops: true}), 1e-6, round);
      expect(looped).to.deep.equal(written);
    });

  it('on emulated matrix units', async () => {
    const blocks = matrixBlocks('float16', {...nvidia, matrixUnits: unitsOf([tallUnit])}, CHUNK);
    const made = await withMatrixUnits([tallUnit], async () => {
      await expectProducts(blocks!, 1e-3);
    });
    expect(made).to.equal(1);
  });
});
