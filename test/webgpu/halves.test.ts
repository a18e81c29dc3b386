// float16 where a device has no matrix units: numbers are rounded as its bits say, whatever they are, and products are to the
// bit those of factors that were rounded before, few rows and every tile alike.

import type {Tensor, Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {dispose, grads, tensor1d, tensor2d, tensor3d, tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {linear, linearTransposed} from '../../custom-ops/index.js';
import {linearGpu} from '../../custom-ops/linear/kernel.wgsl.js';
import {productPass} from '../../custom-ops/linear/product.wgsl.js';
import {packsHalves, tiles} from '../../custom-ops/linear/tile.js';
import type {Precision} from '../../custom-ops/precision.js';
import {precisions} from '../../custom-ops/precision.js';
import {seededRandom} from '../../custom-ops/sampling.js';
import {elementwisePass} from '../../custom-ops/wgsl/elementwise.js';
import {fewRowsPass} from '../../custom-ops/wgsl/few-rows.js';
import {numberToHalf, packedHalves, roundedToHalf} from '../../custom-ops/wgsl/halves.js';
import {least, nvidia} from '../support/devices.js';
import {roundedHalves} from '../support/rounded-halves.js';
import {runPass} from '../support/run-pass.js';
import {onPoisonedBuffers} from '../support/webgpu.js';

/** Every exponent with random digits, halfway between halves and beside, and the ends of the range. */
function difficult(): Float32Array {
  const random = seededRandom(3);
  const special = [0, -0, 65504, 65519, 65519.996, 65520, 65536, 1e30, 3.4e38, Number.POSITIVE_INFINITY];
  const ends = [2 ** -14, 2 ** -14 * (1 - 2 ** -12), 2 ** -24, 2 ** -25, 2 ** -25 * 1.001, 2 ** -26, 1e-38];
  const drawn: number[] = [Number.NaN, Number.NaN];
  for (let exponent = -30; exponent <= 17; exponent++) {
    for (let digits = 0; digits < 4; digits++) {
      const half = (1024 + Math.floor(1024 * random.uniform())) * 2 ** (exponent - 10);
      const tie = half + 2 ** (exponent - 11);
      drawn.push(half, tie, tie * (1 + 2 ** -22), tie * (1 - 2 ** -22), half * (1 + random.uniform() / 1024));
    }
  }
  const all = [...special, ...ends, ...drawn].flatMap(value => [value, -value]);
  while (all.length % 4 !== 0) all.push(1);
  return Float32Array.from(all);
}

describe('float16 without matrix units', function () {
  this.timeout(300_000);
  onPoisonedBuffers();

  const functions = {
    vectors: {declarations: roundedToHalf, type: 'vec4f', body: 'out[index] = roundedToHalf(given[index]);'},
    numbers: {declarations: numberToHalf, type: 'f32', body: 'out[index] = numberToHalf(given[index]);'},
    words: {
      declarations: packedHalves,
      type: 'vec4f',
      body: 'out[index] = unpackedHalves(packedHalves(given[index]));',
    },
  } as const;
  for (const [name, {type, ...code}] of Object.entries(functions)) {
    it(`rounds ${name} to the nearest, ties to even, and beyond the range to infinity`, async () => {
      const given = difficult();
      const pass = elementwisePass(
        {
          name,
          read: {given: type},
          write: {out: type},
          count: type === 'f32' ? given.length : given.length / 4,
          ...code,
        },
        least,
      );
      const found = await runPass(pass, {given}, given.length);
      const expected = roundedHalves(given);
      given.forEach((value, i) => {
        expect(found[i], `${value}`).to.deep.equal(expected[i]);
      });
    });
  }

  it('takes words in small tiles alone, where workgroup memory is waited for', () => {
    const packed = tiles.filter(packsHalves).map(({rows, threadRows}) => `${rows}/${threadRows}`);
    expect(packed).to.deep.equal(['64/4', '32/4']);
    const codeOf = (precision: Precision, L: number, limits = least): string =>
      linearGpu.forward({
        dims: {B: 1, L, D: 768, E: 768},
        attrs: {precision},
        present: new Set(['x', 'weight']),
        wanted: new Set(['y']),
        limits,
      }).passes[0].code;
    expect(codeOf('float16', 64)).to.include('array<array<array<vec2u, 8>');
    expect(codeOf('float16', 16384)).to.include('array<array<array<vec4f, 16>').and.include('roundedToHalf');
    for (const precision of precisions.filter(name => name !== 'float16'))
      for (const L of [1, 64, 16384]) expect(codeOf(precision, L)).to.not.match(/half/i);
    expect(codeOf('float16', 4, nvidia), 'too few rows for a matrix').to.include('roundedToHalf(');
  });

  const draw = (length: number, seed: number): Float32Array => {
    const random = seededRandom(seed);
    return Float32Array.from({length}, () => random.normal());
  };

  /** [rows, columns, inner]: what no tile divides, and a long sum. */
  const [rows, columns, inner] = [69, 44, 38];
  // One of each form: software GPUs take seconds for a tile.
  for (const tile of [tiles[2], tiles[4]]) {
    it(`is the product of rounded factors in tiles of ${tile.rows} by ${tile.threadRows} x ${tile.threadColumns}`, async () => {
      const inputs = {a: draw(rows * inner, 1), b: draw(inner * columns, 2)};
      const ones = {a: roundedHalves(inputs.a), b: roundedHalves(inputs.b)};
      const factors = {a: {name: 'a', transposed: false}, b: {name: 'b', transposed: true}};
      const product = {name: 'product', ...factors, out: 'out', rows, columns, inner, slices: 1, tile};
      const limits = {...least, invocations: 1024, workgroupBytes: 49152};
      const found = await runPass(productPass({...product, halves: true}, limits), inputs, rows * columns);
      const expected = await runPass(productPass(product, limits), ones, rows * columns);
      expect([...found]).to.deep.equal([...expected]);
    });
  }

  for (const transposed of [false, true]) {
    it(`is the product of rounded factors of a few rows${transposed ? ', transposed' : ''}`, async () => {
      const inputs = {a: draw(3 * inner, 1), b: draw(inner * columns, 2)};
      const ones = {a: roundedHalves(inputs.a), b: roundedHalves(inputs.b)};
      const factors = {a: {name: 'a', transposed: false}, b: {name: 'b', transposed}};
      const product = {name: 'product', ...factors, out: 'out', rows: 3, columns, inner};
      const found = await runPass(fewRowsPass({...product, halves: true}, least), inputs, 3 * columns);
      const expected = await runPass(fewRowsPass(product, least), ones, 3 * columns);
      expect([...found]).to.deep.equal([...expected]);
    });
  }

  for (const op of [linear, linearTransposed]) {
    for (const L of [5, 35]) {
      it(`rounds the factors of all three products of ${op.name}, ${L} rows, and nothing else`, async () => {
        const [D, E] = [20, 27];
        const weightShape: [number, number] = op === linear ? [D, E] : [E, D];
        const values = {x: draw(L * D, 1), weight: draw(D * E, 2), gradY: draw(L * E, 3), bias: draw(E, 4)};
        const run = async (given: typeof values, precision: Precision): Promise<number[][]> => {
          const made = tidy(() => {
            const inputs: Tensor[] = [
              tensor3d(given.x, [1, L, D]),
              tensor2d(given.weight, weightShape),
              tensor1d(given.bias),
            ];
            const product = (x: Tensor, weight: Tensor, bias: Tensor): Tensor3D =>
              op(x as Tensor3D, weight as Tensor2D, bias as Tensor1D, {precision});
            const [x, weight, bias] = inputs;
            return [product(x, weight, bias), ...grads(product)(inputs, tensor3d(given.gradY, [1, L, E]))];
          });
          const found = await Promise.all(made.map(async tensor => [...(await tensor.data())]));
          dispose(made);
          return found;
        };
        const before = {
          x: roundedHalves(values.x),
          weight: roundedHalves(values.weight),
          gradY: roundedHalves(values.gradY),
        };
        const found = await run(values, 'float16');
        const expected = await run({...before, bias: values.bias}, 'float32');
        const names = ['y', 'gradient of x', 'of weight'];
        names.forEach((name, i) => {
          expect(found[i], name).to.deep.equal(expected[i]);
        });
        const [, , , gradBias] = await run(values, 'float32');
        expect(found[3], 'of bias').to.deep.equal(gradBias);
      });
    }
  }

  it('gives no wrong number beyond the range, and keeps NaN to its row', async () => {
    for (const L of [4, 32]) {
      const [D, E] = [32, 32];
      const values = new Float32Array(L * D).fill(1);
      values[0] = 70_000;
      values[D] = Number.NaN;
      values[2 * D] = -65_520;
      const [x, weight] = [tensor3d(values, [1, L, D]), tensor2d(new Float32Array(D * E).fill(1), [D, E])];
      const y = linear(x, weight, undefined, {precision: 'float16'});
      const found = await y.data<'float32'>();
      const row = (i: number): Float32Array => found.subarray(i * E, (i + 1) * E);
      expect(row(0).every(value => value === Number.POSITIVE_INFINITY)).to.equal(true);
      expect(row(1).every(Number.isNaN)).to.equal(true);
      expect(row(2).every(value => value === Number.NEGATIVE_INFINITY)).to.equal(true);
      expect(found.subarray(3 * E).every(value => value === D)).to.equal(true);
      dispose([x, weight, y]);
    }
  });
});
