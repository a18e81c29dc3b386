// Products on matrix units: which are chosen and how blocks are cut, on plans alone; that the code is valid WGSL in both of
// its syntaxes, and right where the units are emulated.

import type {Rank} from '@tensorflow/tfjs-core';
import {dispose, ones, tensor3d} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {matrixKinds} from '../../custom-ops/backends/webgpu/dispatch/matrix-support.js';
import {linear} from '../../custom-ops/index.js';
import {linearOp, linearTransposedOp} from '../../custom-ops/linear/definition.js';
import {linearGpu} from '../../custom-ops/linear/kernel.wgsl.js';
import {matrixBlocks, matrixBytes, matrixCutFor} from '../../custom-ops/linear/matrix-cut.js';
import type {OpCase, OpDefinition} from '../../custom-ops/op.js';
import type {Precision} from '../../custom-ops/precision.js';
import {precisions} from '../../custom-ops/precision.js';
import type {MatrixUnit} from '../../custom-ops/wgsl/matrix-units.js';
import {unitFor} from '../../custom-ops/wgsl/matrix-units.js';
import type {GpuLimits, Pass} from '../../custom-ops/wgsl/plan.js';
import {apple, appleUnits, least, nvidia, oblongUnit, squareUnit} from '../support/devices.js';
import {fullUnit, tallUnit, unitsOf, wideUnit, withMatrixUnits} from '../support/emulated-matrices.js';
import {expectParity} from '../support/kernel-laws.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

function linearPasses(
  precision: Precision,
  dims: Record<string, number>,
  limits: GpuLimits,
): readonly Pass[] {
  const request = {
    dims,
    attrs: {precision},
    present: new Set(['x', 'weight']),
    wanted: new Set<string>(),
    limits,
  };
  return [...linearGpu.forward(request).passes, ...(linearGpu.backward?.(request).passes ?? [])];
}

describe('matrix units on webgpu', () => {
  it('are the largest with factors of float16 and sums of float32, else float32 throughout', () => {
    expect(unitFor('float16', nvidia.matrixUnits)).to.equal(squareUnit);
    expect(unitFor('float16', unitsOf([oblongUnit]))).to.equal(oblongUnit);
    expect(unitFor('float16', apple.matrixUnits)).to.equal(appleUnits[0]);
    expect(unitFor('float16', unitsOf([appleUnits[1]]))).to.equal(undefined);
    expect(unitFor('float16', undefined)).to.equal(undefined);
  });

  it('multiply for float16 alone: other precisions have no type in WGSL', () => {
    const dims = {B: 1, L: 4096, D: 768, E: 768};
    for (const precision of precisions) {
      const matrices = linearPasses(precision, dims, nvidia).filter(pass => pass.matrices);
      expect(matrices.length, precision).to.equal(precision === 'float16' ? 3 : 0);
    }
    expect(linearPasses('float16', dims, least).some(pass => pass.matrices)).to.equal(false);
  });

  it('are left to results with fewer rows or columns than one matrix has', () => {
    const uses = (L: number, E: number): boolean[] =>
      linearPasses('float16', {B: 1, L, D: 768, E}, nvidia).map(pass => pass.matrices === true);
    expect(uses(1, 768)).to.deep.equal([false, false, true]);
    expect(uses(64, 8)).to.deep.equal([false, true, false]);
  });

  it('are read from what an adapter says, floating-point kinds alone', () => {
    const config = {M: 16, N: 8, K: 16};
    const subgroupMatrixConfigs = [
      {...config, componentType: 'f16', resultComponentType: 'f32'},
      {...config, componentType: 'u8', resultComponentType: 'u32'},
    ];
    expect(matrixKinds({subgroupMatrixConfigs})).to.deep.equal([oblongUnit]);
    expect(matrixKinds({})).to.deep.equal([]);
  });

  const sizeOf = (
    rows: number,
    columns: number,
    inner: number,
    limits: GpuLimits,
    sliced = false,
  ): unknown => {
    const cut = matrixCutFor({rows, columns, inner}, 'float16', limits, {sliced});
    return cut && [`${cut.block.rows}x${cut.block.columns}`, cut.slices];
  };

  it('have large blocks where there are many, and devices with room for them', () => {
    expect(sizeOf(16384, 3072, 768, nvidia)).to.deep.equal(['128x128', 1]);
    expect(sizeOf(768, 3072, 16384, nvidia, true)).to.deep.equal(['128x128', 4]);
    expect(sizeOf(512, 768, 768, nvidia)).to.deep.equal(['64x64', 1]);
    expect(sizeOf(16384, 3072, 768, apple)).to.deep.equal(['64x64', 1]);
    expect(sizeOf(16384, 3072, 768, {...nvidia, workgroupBytes: 8192})).to.equal(undefined);
  });

  it('have blocks that fit the workgroup memory that they ask for', () => {
    for (const block of matrixBlocks) {
      expect(matrixBytes(block, squareUnit)).to.be.at.most(Math.max(16384, block.from));
    }
  });
});

/** Sizes that blocks divide and that they do not, vectors and single numbers in memory. */
const shapes: [string, number, number, number, boolean][] = [
  ['whole blocks', 128, 64, 128, false],
  ['parts of blocks', 72, 40, 84, true],
  ['rows that are no vectors', 35, 37, 67, true],
];

describe('products on emulated matrix units', function () {
  this.timeout(300_000);
  before(async function () {
    await useWebGPUOrSkip(this);
  });
  // Compilers of software GPUs take seconds for each.
  const [whole, parts, numbers] = shapes;
  const kinds: [string, MatrixUnit, [OpDefinition, (typeof shapes)[number]][]][] = [
    ['tall ones', tallUnit, [[linearOp as OpDefinition, parts]]],
    [
      'wide ones',
      wideUnit,
      [
        [linearTransposedOp as OpDefinition, whole],
        [linearOp as OpDefinition, numbers],
      ],
    ],
    ['those of float32', fullUnit, [[linearTransposedOp as OpDefinition, parts]]],
  ];
  for (const [unit, kind, tests] of kinds) {
    for (const [op, [name, L, D, E, hasBias]] of tests) {
      it(`${op.name} in ${unit}, ${name}`, async () => {
        const opCase: OpCase<{precision: Precision}> = {
          name,
          dims: {B: 1, L, D, E},
          attrs: {precision: 'float16'},
          omit: hasBias ? [] : ['bias'],
          use: 'test',
        };
        const made = await withMatrixUnits([kind], () => expectParity(op, opCase, 'kernel'));
        expect(made, 'pipelines on matrix units').to.equal(3);
      });
    }
  }

  it('give no wrong number beyond the range of float16, and keep NaN to its row', async () => {
    const [L, D, E] = [32, 32, 32];
    const values = new Float32Array(L * D).fill(1);
    values[0] = 70_000;
    values[D] = Number.NaN;
    const made = await withMatrixUnits([wideUnit], async () => {
      const [x, weight] = [tensor3d(values, [1, L, D]), ones<Rank.R2>([D, E])];
      const y = linear(x, weight, undefined, {precision: 'float16'});
      const found = await y.data();
      expect([...found.slice(0, E)].every(value => value === Number.POSITIVE_INFINITY)).to.equal(true);
      expect([...found.slice(E, 2 * E)].every(Number.isNaN)).to.equal(true);
      expect([...found.slice(2 * E)].every(value => value === D)).to.equal(true);
      dispose([x, weight, y]);
    });
    expect(made).to.equal(1);
  });
});
