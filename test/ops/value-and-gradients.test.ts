// The walk over the tape gives tf's gradients, bit for bit, and holds less memory on its way.

import type {KernelFunc, Tensor, Tensor2D} from '@tensorflow/tfjs-core';
import {
  add,
  cast,
  clone,
  customGrad,
  engine,
  exp,
  keep,
  memory,
  mul,
  neg,
  ones,
  registerGradient,
  registerKernel,
  relu,
  reshape,
  scalar,
  sum,
  tensor1d,
  tensor2d,
  tidy,
  unregisterGradient,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {valueAndGradients} from '../../custom-ops/value-and-gradients.js';
import {LanguageModel} from '../../models/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {withPeakBytes} from '../support/peak-bytes.js';

type Computation = (inputs: Tensor[]) => Tensor;

/** The value and the gradients of a computation of these inputs, by tf and by the walk; neither leaves a tensor behind. */
function both(compute: Computation, inputs: Tensor[]): {expected: number[][]; found: number[][]} {
  const read = (take: () => {value: Tensor; grads: Tensor[]}): number[][] => {
    const before = memory().numTensors;
    const {value, grads} = take();
    const numbers = [value, ...grads].map(one => [...one.dataSync()]);
    for (const one of new Set([value, ...grads])) one.dispose();
    expect(memory().numTensors, 'tensors left behind').to.equal(before);
    return numbers;
  };
  const dy = tidy(() => mul(ones(compute(inputs).shape), 0.5));
  const expected = read(() => engine().gradients(() => compute(inputs), inputs, dy));
  const found = read(() => valueAndGradients(() => compute(inputs), inputs, dy));
  expect(dy.isDisposed).to.equal(false);
  dy.dispose();
  return {expected, found};
}

const twice = customGrad(x => ({
  value: mul(x as Tensor, 2),
  gradFunc: (dy: Tensor) => dy, // the cotangent itself
}));
const same = customGrad((a, b) => ({
  value: add(a as Tensor, b as Tensor),
  gradFunc: (dy: Tensor) => {
    const one = mul(dy, 3);
    return [one, one];
  },
}));
const savedAsGradient = customGrad((x, save) => {
  const gradient = mul(x as Tensor, 7);
  (save as (tensors: Tensor[]) => void)([gradient]);
  return {value: mul(x as Tensor, 2), gradFunc: (_dy: Tensor, [saved]: Tensor[]) => saved};
});

const computations: Record<string, Computation> = {
  'a tensor used several times': ([x, y]) => sum(mul(add(x, y), add(x, mul(x, y)))),
  'a value that is not a number': ([x, y]) => add(x, exp(y)),
  'gradients that are the cotangent': ([x, y]) => sum(add(twice(twice(exp(x))), twice(mul(x, y)))),
  'one tensor as the gradient of two inputs': ([x, y]) => sum(mul(same(exp(x), y), same(x, x))),
  'a saved tensor as gradient': ([x, y]) => sum(mul(savedAsGradient(exp(x)), y)),
  'parts that lead nowhere': ([x, y]) => {
    relu(mul(x, y));
    return sum(mul(exp(neg(reshape(x, [3, 2]))), reshape(y, [3, 2])));
  },
};

for (const backend of readableBackends) {
  describe(`values and gradients, ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });

    for (const [name, compute] of Object.entries(computations)) {
      it(`are tf's: ${name}`, () => {
        const inputs = [
          tensor2d([0.5, -1, 2, 0.25, -0.125, 3], [2, 3]),
          tensor2d([1, -2, 0.5, 4, 0.75, -0.5], [2, 3]),
        ];
        const {expected, found} = both(compute, inputs);
        expect(found).to.deep.equal(expected);
        for (const input of inputs) expect(input.isDisposed).to.equal(false);
        for (const input of inputs) input.dispose();
      });
    }

    it('are those of a model', () => {
      const model = LanguageModel.create({
        dModel: 16,
        layers: 3,
        heads: 2,
        window: 8,
        mlp: true,
        vocabSize: 16,
      });
      const tokens = tensor2d(
        Int32Array.from({length: 128}, (_, i) => (i * i + 3 * i) % 16),
        [2, 64],
        'int32',
      );
      const weights = model.parameters().map(({variable}) => variable);
      const compute: Computation = () => sum(mul(model.hidden(tokens), 0.25));
      model.hidden(tokens).dispose();
      const {expected, found} = both(compute, weights.slice(0, -1));
      expect(found).to.deep.equal(expected);
      model.model.dispose();
      tokens.dispose();
    });
  });
}

describe('the walk back over the tape', () => {
  /** Each of its 32 layers keeps its result, and has a weight of this size. */
  const chain: Computation = ([x, ...weights]) => {
    let y = x;
    for (const weight of weights) {
      const before = y;
      y = tidy(() => exp(mul(before, weight))); // as layers do
    }
    return y;
  };

  it('holds what is saved and little more, where tf holds as much again', async function () {
    await useReadableBackend(this, 'cpu');
    const inputs = Array.from({length: 33}, (_, i) => tensor1d(new Float32Array(1000).fill(-0.1 - i / 100)));
    const bytes = 4 * 1000;
    const dy = ones([1000]);
    const peak = (take: () => {grads: Tensor[]; value: Tensor}): number => {
      const {result, peak: most} = withPeakBytes(take);
      for (const one of [result.value, ...result.grads]) one.dispose();
      return most / bytes;
    };
    const tfs = peak(() => engine().gradients(() => chain(inputs), inputs, dy));
    const ours = peak(() => valueAndGradients(() => chain(inputs), inputs, dy));
    expect(tfs).to.be.above(90);
    expect(ours).to.be.below(40);
  });

  it('leaves nothing behind when something throws, in the computation or in a gradient', async function () {
    await useReadableBackend(this, 'cpu');
    const x = tensor1d([1, 2]);
    const dy = ones([2]);
    const failing = customGrad(one => ({
      value: mul(one as Tensor, 2),
      gradFunc: () => {
        throw new Error('no gradient today');
      },
    }));
    const before = memory().numTensors;
    expect(() => tidy(() => valueAndGradients(() => exp(failing(exp(x))), [x], dy).grads)).to.throw(
      'no gradient today',
    );
    expect(() =>
      valueAndGradients(
        () => {
          chain([x, x]);
          throw new Error('no value today');
        },
        [x],
        dy,
      ),
    ).to.throw('no value today');
    expect(() => tidy(() => valueAndGradients(() => exp(dy), [x], dy).grads)).to.throw(
      'does not depend on input 0',
    );
    expect(memory().numTensors, 'tensors left behind').to.equal(before);
    expect(engine().state.gradientDepth).to.equal(0);
  });

  it('disposes no tensor that a gradient was given from outside', async function () {
    await useReadableBackend(this, 'cpu');
    const constant = keep(tensor2d([2, 3], [1, 2]));
    const outer = customGrad(one => ({value: clone(one as Tensor), gradFunc: () => constant}));
    const x = tensor2d([1, 2], [1, 2]);
    const dy = ones([1, 2]) as Tensor2D;
    const {value, grads} = valueAndGradients(() => outer(mul(exp(x), scalar(2))), [x], dy);
    expect(constant.isDisposed).to.equal(false);
    expect(grads[0].dataSync()[0]).to.be.closeTo(4 * Math.E, 1e-5);
    for (const one of [constant, x, dy, value, ...grads]) one.dispose();
  });

  it('disposes no gradient that someone keeps', async function () {
    await useReadableBackend(this, 'cpu');
    const seen: Tensor[] = [];
    const looking = customGrad(one => ({
      value: mul(one as Tensor, 2),
      gradFunc: (dy: Tensor) => {
        seen.push(keep(dy), keep(mul(dy, 2)));
        return seen[1];
      },
    }));
    const x = tensor1d([1, 2]);
    const dy = ones([2]);
    const {value, grads} = valueAndGradients(() => exp(mul(looking(exp(x)), 0)), [x], dy);
    expect(seen.map(one => [...one.dataSync()])).to.deep.equal([
      [0, 0],
      [0, 0],
    ]);
    for (const one of [...seen, x, dy, value, ...grads]) one.dispose();
  });

  it('refuses gradients that are none of their inputs', async function () {
    await useReadableBackend(this, 'cpu');
    const x = tensor1d([1, 2]);
    const dy = ones([2]);
    const wrong: Record<string, (dy: Tensor) => Tensor> = {
      'float32 []': given => sum(given),
      'int32 [2]': given => cast(given, 'int32'),
    };
    for (const [found, gradFunc] of Object.entries(wrong)) {
      const op = customGrad(one => ({value: mul(one as Tensor, 2), gradFunc}));
      const message = `tf.customGrad for its input 0 must be float32 [2], as the input is shaped, but it gave ${found}`;
      expect(() => tidy(() => valueAndGradients(() => exp(op(exp(x))), [x], dy).grads)).to.throw(message);
    }
    const kernelName = 'WithoutGradientOfX';
    const kernelFunc: KernelFunc = ({inputs: given}) => clone(given.x as Tensor);
    registerKernel({kernelName, backendName: 'cpu', kernelFunc});
    registerGradient({kernelName, gradFunc: () => ({})});
    const run = (): Tensor => engine().runKernel(kernelName, {x});
    expect(() => tidy(() => valueAndGradients(run, [x], dy).grads)).to.throw(
      `${kernelName} for its input x must be float32 [2], as the input is shaped, but it gave nothing`,
    );
    unregisterGradient(kernelName);
    unregisterKernel(kernelName, 'cpu');
    for (const one of [x, dy]) one.dispose();
  });
});
