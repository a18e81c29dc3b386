// memoryAttention on matrix units: which blocks are chosen, on plans alone, and that the kernels are right where the units
// are emulated. That they are valid WGSL: matrix-syntax.test.ts.

import type {Rank, Tensor4D} from '@tensorflow/tfjs-core';
import {dispose, tensor} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {caseToCheck} from '../../custom-ops/backends/webgpu/dispatch/self-check.js';
import {memoryAttention} from '../../custom-ops/index.js';
import type {MemoryAttentionAttributes} from '../../custom-ops/memory-attention/attributes.js';
import {memoryAttentionOp} from '../../custom-ops/memory-attention/definition.js';
import {memoryAttentionGpu} from '../../custom-ops/memory-attention/kernel.wgsl.js';
import type {OpCase, OpDefinition} from '../../custom-ops/op.js';
import {relativeError} from '../../custom-ops/parity.js';
import type {Precision} from '../../custom-ops/precision.js';
import {precisions} from '../../custom-ops/precision.js';
import type {MatrixUnit} from '../../custom-ops/wgsl/matrix-units.js';
import type {GpuLimits, Pass} from '../../custom-ops/wgsl/plan.js';
import {apple, least, nvidia, squareUnit} from '../support/devices.js';
import {withMatrixUnits} from '../support/emulated-matrices.js';
import {expectParity} from '../support/kernel-laws.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

const single: MatrixUnit = {...squareUnit, factor: 'f32'};

interface Asked {
  readonly precision?: Precision;
  readonly L?: number;
  readonly M?: number;
  readonly window?: number;
  readonly Dh?: number;
  readonly me?: number;
}

const kinds = ['forward', 'queries', 'stored', 'window', 'fading'];

function allPasses(limits: GpuLimits, asked: Asked): Pass[] {
  const {precision = 'float16', L = 2048, M = L, window = 512, Dh = 64, me = 64} = asked;
  const request = {
    dims: {B: 1, L, M, H: 4, G: 4, Dh, C: Math.ceil(L / window), me},
    attrs: {window, fading: 'sliding', fadingTokens: 0, firstRow: 0, queryOffset: 0, phase: 0, precision},
    present: new Set(['q', 'k', 'v', 'kFading', 'vFading', 'positions']),
    wanted: new Set<string>(),
    limits,
  } as const;
  return [
    ...memoryAttentionGpu.forward(request).passes,
    ...(memoryAttentionGpu.backward?.(request).passes ?? []),
  ];
}

/** Kernels on matrix units by what they compute, without those that make their factors. */
function matrixPasses(limits: GpuLimits, asked: Asked = {}): Record<string, string> {
  return Object.fromEntries(
    allPasses(limits, asked)
      .filter(({matrices, name}) => matrices && !name.includes('factors'))
      .map(({name, code}) => [kinds.find(kind => name.includes(kind)) ?? 'forward', code]),
  );
}

function threads(limits: GpuLimits, asked: Asked = {}): Record<string, number> {
  const passes = Object.entries(matrixPasses(limits, asked));
  return Object.fromEntries(
    passes.map(([kind, code]) => [kind, Number(/@workgroup_size\((\d+)\)/.exec(code)?.[1])]),
  );
}

describe('attention on matrix units', () => {
  it('is asked for by float16 alone: other precisions have no type in WGSL', () => {
    for (const precision of precisions) {
      const passes = Object.keys(threads(nvidia, {precision}));
      expect(passes, precision).to.deep.equal(precision === 'float16' ? kinds : []);
    }
    expect(threads(least)).to.deep.equal({});
  });

  it('has blocks that fit a device, or none', () => {
    const all = (count: number): Record<string, number> =>
      Object.fromEntries(kinds.map(kind => [kind, count]));
    expect(threads(nvidia)).to.deep.equal(all(128));
    expect(threads(nvidia, {window: 32})).to.deep.equal(all(64));
    expect(threads(apple)).to.deep.equal({forward: 128, queries: 64});
    expect(threads(apple, {Dh: 32})).to.deep.equal({...all(64), forward: 128, queries: 128});
    expect(threads({...nvidia, workgroupBytes: 16384})).to.deep.equal({forward: 64});
    expect(threads({...nvidia, workgroupBytes: 8192})).to.deep.equal({});
  });

  it('is checked on a new device in the blocks that a training takes', () => {
    const memory = (asked: Asked): string[] =>
      Object.values(matrixPasses(nvidia, asked)).flatMap(code => code.match(/var<workgroup> .*;/g) ?? []);
    const checked = caseToCheck(memoryAttentionOp as OpDefinition, 'float16');
    const {L, Dh, me} = checked!.dims;
    expect(memory({L, Dh, me, window: Number(checked!.attrs.window)})).to.deep.equal(memory({}));
  });

  it('owns queries in the same code for any number of rows, and makes the factors that its kernels read', () => {
    const codes = (M: number): string[] =>
      allPasses(nvidia, {M})
        .filter(({matrices, name}) => matrices && !/window|fading/.test(name))
        .map(({code}) => code);
    expect(codes(2048)).to.have.length(6);
    expect(codes(2048)).to.deep.equal(codes(5000));
    const made = (asked: Asked): string[] =>
      allPasses(nvidia, asked).flatMap(({write}) => Object.keys(write).filter(name => name.endsWith('Rows')));
    const keys = ['keyRows', 'valueRows'];
    expect(made({})).to.deep.equal([...keys, ...keys, 'queryRows', 'cotangentRows']);
    expect(made({precision: 'float32'})).to.deep.equal([]);
  });

  it('is left to lanes where a block of queries or slots has more rows than there are, and for heads of broken matrices', () => {
    expect(threads(nvidia, {L: 1})).to.deep.equal({});
    expect(threads(nvidia, {window: 16})).to.deep.equal({});
    expect(threads(nvidia, {Dh: 40})).to.deep.equal({});
    expect(threads(nvidia, {me: 8})).to.not.have.property('stored');
  });
});

/** Parts of blocks and of tiles, heads that share keys, empty slots, and rows of a stream that came before. */
const opCase: OpCase<MemoryAttentionAttributes> = {
  name: 'stream',
  dims: {B: 1, L: 90, M: 120, H: 2, G: 1, Dh: 16, me: 40},
  attrs: {
    window: 70,
    fading: 'sliding',
    fadingTokens: 0,
    queryOffset: 30,
    firstRow: 5,
    phase: 10,
    precision: 'float16',
  },
  use: 'test',
};
const chunked: OpCase<MemoryAttentionAttributes> = {
  ...opCase,
  dims: {...opCase.dims, G: 2},
  attrs: {...opCase.attrs, fading: 'chunk', fadingTokens: 37},
};
/** Numbers of float16 are emulated in twice their room. */
const small = {workgroupBytes: 16384};

describe('attention on emulated matrix units', function () {
  this.timeout(300_000);
  before(async function () {
    await useWebGPUOrSkip(this);
  });

  const units: [string, MatrixUnit, OpCase<MemoryAttentionAttributes>, Partial<GpuLimits>][] = [
    ['float16, sliding', squareUnit, opCase, small],
    ['float32, by chunks', single, chunked, {}],
  ];
  for (const [unit, kind, tested, limits] of units) {
    it(`is right in ${unit}`, async () => {
      const made = await withMatrixUnits(
        [kind],
        () => expectParity(memoryAttentionOp as OpDefinition, tested, 'kernel'),
        limits,
      );
      // Five kernels, and two that make their factors.
      expect(made, 'pipelines on matrix units').to.equal(7);
    });
  }

  const L = 96;
  const Dh = 16;
  const rows = (value: (row: number, d: number) => number): Tensor4D => {
    const values = Float32Array.from({length: L * Dh}, (_, i) => value(Math.floor(i / Dh), i % Dh));
    return tensor<Rank.R4>(values, [1, L, 1, Dh]);
  };
  const attended = async (q: Tensor4D, k: Tensor4D, v: Tensor4D, precision: Precision) => {
    const out = memoryAttention({q, k, v}, {window: L, precision});
    const values = await out.data();
    out.dispose();
    return values;
  };

  it('takes another reference where scores rise far above the first, and keeps what is no number to its rows', async () => {
    const q = rows((_, d) => (d === 0 ? 8 : Math.cos(d)));
    const rising = rows((row, d) => (d === 0 ? row : Math.sin(row + d)));
    // Row 40 overflows float16, row 60 holds none; rows before them are right.
    const broken = rows((row, d) => (row === 40 ? 700_000 : row === 60 ? Number.NaN : Math.sin(row + d)));
    const expected = await attended(q, rising, rising, 'float32');
    const made = await withMatrixUnits(
      [squareUnit],
      async () => {
        expect(relativeError(await attended(q, rising, rising, 'float16'), expected)).to.be.below(1e-3);
        const found = await attended(q, broken, rising, 'float16');
        expect([...found.slice(0, 40 * Dh)].every(Number.isFinite)).to.equal(true);
        expect([...found.slice(40 * Dh)].some(Number.isFinite)).to.equal(false);
      },
      small,
    );
    expect(made).to.equal(2);
    dispose([q, rising, broken]);
  });
});
