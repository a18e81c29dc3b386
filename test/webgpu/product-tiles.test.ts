// How linear's products are cut: by shape and limits on plans alone, and every tile right in every layout, at sizes that
// it does not divide, with what it must not read being NaN.

import {expect} from 'chai';
import {linearGpu} from '../../custom-ops/linear/kernel.wgsl.js';
import type {Product} from '../../custom-ops/linear/product.wgsl.js';
import {productPass} from '../../custom-ops/linear/product.wgsl.js';
import type {Tile} from '../../custom-ops/linear/tile.js';
import {bytesOf, cutFor, threadsOf, tiles} from '../../custom-ops/linear/tile.js';
import {relativeError} from '../../custom-ops/parity.js';
import {seededRandom} from '../../custom-ops/sampling.js';
import type {GpuLimits} from '../../custom-ops/wgsl/plan.js';
import {least} from '../support/devices.js';
import {runPass} from '../support/run-pass.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

const large: GpuLimits = {
  ...least,
  invocations: 1024,
  workgroupBytes: 49152,
  bindingBytes: 2 ** 31,
};
const sizeOf = ({rows, columns, threadRows, threadColumns}: Tile): string =>
  `${rows}x${columns}/${threadRows}x${threadColumns}`;

describe('tiles of products on webgpu', () => {
  it('fit the devices that WebGPU promises', () => {
    for (const tile of tiles.filter(({from}) => from <= least.workgroupBytes)) {
      expect(threadsOf(tile)).to.be.at.most(least.invocations);
      expect(bytesOf(tile)).to.be.at.most(least.workgroupBytes);
    }
  });

  const cases: [string, number, number, number, GpuLimits, string][] = [
    ['a model of 130 million parameters', 16384, 3072, 768, large, '128x128/16x8'],
    ['the same on a device with small workgroups', 16384, 3072, 768, least, '128x128/8x8'],
    ['a width of the model', 16384, 768, 768, large, '128x128/16x8'],
    ['the same of half the tokens', 8192, 768, 768, large, '64x64/8x8'],
    ['few columns', 16384, 80, 1536, large, '64x64/8x8'],
    ['a small model', 4096, 256, 128, large, '64x64/8x8'],
    ['a small gradient', 4096, 128, 256, large, '64x64/4x4'],
    ['very few columns', 131072, 24, 1536, large, '32x32/4x4'],
    ['one token', 1, 3072, 768, large, '32x32/4x4'],
  ];
  for (const [name, rows, columns, inner, limits, tile] of cases) {
    it(`${name}: ${tile}`, () => {
      expect(sizeOf(cutFor({rows, columns, inner}, limits).tile)).to.equal(tile);
    });
  }

  it('cut long sums over tokens into slices, of 512 tokens at least', () => {
    const cut = cutFor({rows: 768, columns: 3072, inner: 16384}, large, {sliced: true});
    expect([sizeOf(cut.tile), cut.slices]).to.deep.equal(['128x128/16x8', 15]);
    expect(cutFor({rows: 128, columns: 256, inner: 4096}, large, {sliced: true}).slices).to.equal(8);
    expect(cutFor({rows: 768, columns: 3072, inner: 500}, large, {sliced: true}).slices).to.equal(1);
  });

  it('bind vectors where rows divide into them, and numbers elsewhere', () => {
    const bindings = (D: number, E: number): unknown =>
      linearGpu.forward({
        dims: {B: 1, L: 9, D, E},
        attrs: {precision: 'float32'},
        present: new Set(['x', 'weight', 'bias']),
        wanted: new Set(['y']),
        limits: least,
      }).passes[0].read;
    expect(bindings(8, 12)).to.deep.equal({x: 'vec4f', weight: 'vec4f', bias: 'vec4f'});
    expect(bindings(8, 13)).to.deep.equal({x: 'vec4f', weight: 'f32', bias: 'f32'});
    expect(bindings(7, 12)).to.deep.equal({x: 'f32', weight: 'vec4f', bias: 'vec4f'});
  });
});

/** [rows, columns, inner], slices, and which factors are transposed. */
const shapes: [number, number, number, number, boolean, boolean][] = [
  [129, 63, 37, 1, false, false],
  [65, 132, 40, 1, false, true],
  [132, 100, 127, 3, true, false],
];

describe('every tile of products on webgpu', function () {
  this.timeout(300_000);
  before(async function () {
    await useWebGPUOrSkip(this);
  });
  for (const tile of tiles) {
    for (const [rows, columns, inner, slices, aTransposed, bTransposed] of shapes) {
      it(`${sizeOf(tile)} ${rows}x${inner}x${columns}`, async () => {
        const random = seededRandom(rows);
        const draw = (length: number): Float32Array => Float32Array.from({length}, () => random.normal());
        const inputs = {a: draw(rows * inner), b: draw(inner * columns), bias: draw(columns)};
        const product: Product = {
          name: 'product',
          a: {name: 'a', transposed: aTransposed},
          b: {name: 'b', transposed: bTransposed},
          out: 'out',
          ...{rows, columns, inner, slices, tile},
          ...(slices === 1 ? {bias: 'bias'} : {}),
        };
        const found = await runPass(productPass(product, large), inputs, slices * rows * columns);
        const summed = new Float64Array(rows * columns);
        found.forEach((value, i) => {
          summed[i % summed.length] += value;
        });
        const expected = Float64Array.from({length: rows * columns}, (_, i) => {
          const [row, column] = [Math.floor(i / columns), i % columns];
          let total = slices === 1 ? inputs.bias[column] : 0;
          for (let k = 0; k < inner; k++) {
            const a = inputs.a[aTransposed ? k * rows + row : row * inner + k];
            total += a * inputs.b[bTransposed ? column * inner + k : k * columns + column];
          }
          return total;
        });
        expect(relativeError(summed, expected)).to.be.at.most(1e-6);
        // Of one tile, whose code compiles soonest: steps as a loop, which software has, are the same steps.
        if (tile !== tiles.at(-1)) return;
        const looped = productPass(product, {...large, loops: true});
        expect(await runPass(looped, inputs, found.length)).to.deep.equal(found);
      });
    }
  }
});
