// Products with a few rows, as in decoding: right in every layout and at sizes that nothing divides, and each weight read once.

import {expect} from 'chai';
import {linearGpu, linearTransposedGpu} from '../../custom-ops/linear/kernel.wgsl.js';
import {relativeError} from '../../custom-ops/parity.js';
import {seededRandom} from '../../custom-ops/sampling.js';
import {fewRowsPass, hasFewRows} from '../../custom-ops/wgsl/few-rows.js';
import {least} from '../support/devices.js';
import {runPass} from '../support/run-pass.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

const workgroupsOf = (kernel: typeof linearGpu, L: number, D: number, E: number): number => {
  const {passes} = kernel.forward({
    dims: {B: 1, L, D, E},
    attrs: {precision: 'float32'},
    present: new Set(['x', 'weight']),
    wanted: new Set(['y']),
    limits: least,
  });
  expect(passes).to.have.length(1);
  return passes[0].workgroups[0];
};

describe('products of a few rows on webgpu', function () {
  this.timeout(300_000);

  it('are those of up to eight tokens, with enough workgroups for a large device', () => {
    expect([1, 8, 9].map(rows => hasFewRows({rows}))).to.deep.equal([true, true, false]);
    expect(workgroupsOf(linearGpu, 1, 768, 768)).to.equal(48);
    expect(workgroupsOf(linearGpu, 4, 768, 3072)).to.equal(192);
    expect(workgroupsOf(linearTransposedGpu, 1, 768, 50_280)).to.equal(6285);
  });

  it('have no more threads to a column than have numbers to load', () => {
    const threads = [1, 48, 768].map(inner => {
      const factors = {a: {name: 'a'}, b: {name: 'b', transposed: false}};
      const {code} = fewRowsPass(
        {name: 'product', ...factors, out: 'out', rows: 1, columns: 64, inner},
        least,
      );
      return Number(/@workgroup_size\((\d+)\)/.exec(code)?.[1]);
    });
    expect(threads).to.deep.equal([4, 64, 256]);
  });

  const shapes: [rows: number, columns: number, inner: number][] = [
    [1, 1, 1],
    [1, 50, 7],
    [2, 37, 130],
    [3, 5, 300],
    [4, 132, 1061],
    [8, 41, 77],
    [1, 16_388, 9],
  ];
  for (const [rows, columns, inner] of shapes)
    for (const transposed of [false, true])
      it(`${rows}x${inner} by ${inner}x${columns}${transposed ? ', transposed' : ''}`, async function () {
        await useWebGPUOrSkip(this);
        const random = seededRandom(columns);
        const draw = (length: number): Float32Array => Float32Array.from({length}, () => random.normal());
        const inputs = {a: draw(rows * inner), b: draw(inner * columns), bias: draw(columns)};
        const factors = {a: {name: 'a'}, b: {name: 'b', transposed}};
        const product = {name: 'product', ...factors, out: 'out', bias: 'bias', rows, columns, inner};
        const found = await runPass(
          fewRowsPass(product, {...least, invocations: 128}),
          inputs,
          rows * columns,
        );
        const expected = Float64Array.from({length: rows * columns}, (_, i) => {
          const [row, column] = [Math.floor(i / columns), i % columns];
          let total = inputs.bias[column];
          for (let k = 0; k < inner; k++)
            total +=
              inputs.a[row * inner + k] * inputs.b[transposed ? column * inner + k : k * columns + column];
          return total;
        });
        expect(relativeError(found, expected)).to.be.at.most(1e-6);
      });
});
