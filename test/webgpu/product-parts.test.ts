// What stands before and behind the blocks of linear's products: weights that are turned, slices that are added up.

import {expect} from 'chai';
import {linearGpu, linearTransposedGpu} from '../../custom-ops/linear/kernel.wgsl.js';
import {productPass} from '../../custom-ops/linear/product.wgsl.js';
import {sliceSumPass} from '../../custom-ops/linear/slices.wgsl.js';
import {cutFor} from '../../custom-ops/linear/tile.js';
import {turnPass} from '../../custom-ops/linear/turn.wgsl.js';
import {relativeError} from '../../custom-ops/parity.js';
import type {GpuLimits, Plan} from '../../custom-ops/wgsl/plan.js';
import {least, nvidia} from '../support/devices.js';
import {runPass} from '../support/run-pass.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

type Sizes = {L: number; D: number; E: number; precision?: 'float32' | 'float16'; limits?: GpuLimits};

const requestOf = ({L, D, E, precision = 'float32', limits = least}: Sizes) => ({
  dims: {B: 8, L, D, E},
  attrs: {precision},
  limits,
  present: new Set(['x', 'weight']),
  wanted: new Set<string>(),
});
const forwardOf = (sizes: Sizes): Plan => linearTransposedGpu.forward(requestOf(sizes));
const backwardOf = (sizes: Sizes): Plan => linearGpu.backward!(requestOf(sizes));
const reads = ({passes}: Plan, name: string): string[] =>
  Object.keys(passes.find(pass => pass.name === name)?.read ?? {});

describe('parts of products on webgpu', () => {
  it('turn a weight that lies along the inner dimension for many rows, and no other', () => {
    const many = {L: 256, D: 768, E: 1536};
    const turned = backwardOf(many);
    expect(turned.passes[0].name).to.equal('linear weight turned');
    expect(turned.scratch?.['weightTurned']).to.equal(768 * 1536);
    expect(reads(turned, 'linear gradient of x')).to.deep.equal(['gradY', 'weightTurned']);
    expect(reads(forwardOf(many), 'linear')).to.deep.equal(['x', 'weightTurned']);
    expect(linearGpu.forward(requestOf(many)).passes, 'it lies as it should').to.have.length(1);

    const asItIs = ['gradY', 'weight'];
    expect(reads(backwardOf({...many, L: 255}), 'linear gradient of x'), 'fewer rows').to.deep.equal(asItIs);
    expect(reads(backwardOf({...many, D: 767}), 'linear gradient of x'), 'no vectors').to.deep.equal(asItIs);
    const inMatrices = backwardOf({...many, precision: 'float16', limits: nvidia});
    expect(reads(inMatrices, 'linear gradient of x in matrices'), 'units read both').to.deep.equal(asItIs);
  });

  for (const [rows, columns] of [
    [1, 1],
    [31, 70],
    [100, 33],
    [64, 32],
  ])
    it(`turn ${rows} x ${columns}`, async function () {
      await useWebGPUOrSkip(this);
      const from = Float32Array.from({length: rows * columns}, (_, i) => i);
      const pass = turnPass({name: 'turn', from: 'given', to: 'made', rows, columns}, least);
      const found = await runPass(pass, {given: from}, rows * columns);
      const expected = from.map((_, i) => from[(i % rows) * columns + Math.floor(i / rows)]);
      expect([...found]).to.deep.equal([...expected]);
    });

  it('give the same bits with the weight turned', async function () {
    await useWebGPUOrSkip(this);
    const [rows, columns, inner] = [40, 36, 50];
    const values = (length: number): Float32Array => Float32Array.from({length}, (_, i) => Math.sin(i));
    const weight = values(columns * inner);
    const {tile} = cutFor({rows, columns, inner}, least);
    const product = {name: 'product', a: {name: 'x', transposed: false}, out: 'y', rows, columns, inner};
    const bitsOf = async (transposed: boolean, lying: Float32Array): Promise<number[]> => {
      const b = {name: 'weight', transposed};
      const pass = productPass({...product, b, tile, slices: 1}, least);
      const found = await runPass(pass, {x: values(rows * inner), weight: lying}, rows * columns);
      return [...new Uint32Array(found.buffer)];
    };
    const turned = weight.map((_, i) => weight[(i % columns) * inner + Math.floor(i / columns)]);
    expect(await bitsOf(false, turned)).to.deep.equal(await bitsOf(true, weight));
  });

  for (const [slices, numbers] of [
    [2, 1],
    [16, 68],
    [17, 67],
    [33, 260],
  ])
    it(`add ${slices} slices of ${numbers}`, async function () {
      await useWebGPUOrSkip(this);
      const from = Float32Array.from({length: slices * numbers}, (_, i) => Math.sin(i));
      const pass = sliceSumPass({name: 'sum', from: 'given', to: 'made', slices, numbers}, least);
      const found = await runPass(pass, {given: from}, numbers);
      const expected = Float64Array.from({length: numbers}, (_, i) => {
        let total = 0;
        for (let slice = 0; slice < slices; slice++) total += from[slice * numbers + i];
        return total;
      });
      expect(relativeError(found, expected)).to.be.at.most(1e-6);
    });
});
