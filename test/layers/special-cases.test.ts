// B'MOJO contains the others: configured so, it equals independently written attention, Mamba and an alternating stack,
// forward and in the gradient of every weight.

import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {BMojoMixer} from '../../layers/index.js';
import {expectClose} from '../support/error.js';
import type {Weights} from '../support/independent-blocks.js';
import {denseWindowAttention, steppedMamba} from '../support/independent-blocks.js';
import {normal3d} from '../support/tensors.js';

const [BATCH, LENGTH, WIDTH] = [2, 24, 16];
const FORWARD = 1e-5;
const GRADIENT = 1e-4;

function weightsOf(layers: readonly BMojoMixer[]): {names: string[]; values: tf.Variable[]} {
  const entries = layers.flatMap((layer, index) =>
    layer.trainableWeights.map(weight => ({
      name: `${index}/${weight.originalName.split('/')[1]}`,
      value: weight.read() as tf.Variable,
    })),
  );
  return {names: entries.map(entry => entry.name), values: entries.map(entry => entry.value)};
}

/** Compares a stack of mixers with an independent function of the same weights, named `layer index/weight name`. */
function expectSame(
  layers: readonly BMojoMixer[],
  independent: (x: tf.Tensor3D, weights: Weights) => tf.Tensor3D,
): void {
  tf.tidy(() => {
    const x = normal3d([BATCH, LENGTH, WIDTH], 2);
    const cotangent = normal3d([BATCH, LENGTH, WIDTH], 3);
    const ours = (input: tf.Tensor3D): tf.Tensor3D =>
      layers.reduce((value, layer) => layer.apply(value) as tf.Tensor3D, input);
    const output = ours(x);
    const {names, values} = weightsOf(layers);
    const other = (input: tf.Tensor3D, tensors: readonly tf.Tensor[]): tf.Tensor3D =>
      independent(input, Object.fromEntries(names.map((name, i) => [name, tensors[i]])));
    expectClose(output.dataSync(), other(x, values).dataSync(), FORWARD, 'output');
    const {grads} = tf.variableGrads(() => ours(x).mul(cotangent).sum().asScalar(), values);
    const copies = values.map(value => value.clone());
    const [gradX, ...expected] = tf.grads((...inputs: tf.Tensor[]) =>
      other(inputs[0] as tf.Tensor3D, inputs.slice(1))
        .mul(cotangent)
        .sum(),
    )([x, ...copies]);
    const ownX = tf.grad((input: tf.Tensor) =>
      ours(input as tf.Tensor3D)
        .mul(cotangent)
        .sum(),
    )(x);
    expectClose(ownX.dataSync(), gradX.dataSync(), GRADIENT, 'gradient of x');
    expect(names.length).to.be.greaterThan(0);
    values.forEach((value, i) => {
      expectClose(grads[value.name].dataSync(), expected[i].dataSync(), GRADIENT, `gradient of ${names[i]}`);
    });
  });
  for (const layer of layers) layer.dispose();
}

function built(args: ConstructorParameters<typeof BMojoMixer>[0]): BMojoMixer {
  const layer = new BMojoMixer(args);
  layer.apply(tf.input({shape: [LENGTH, WIDTH]}));
  return layer;
}

function under(prefix: string, weights: Weights): Weights {
  return Object.fromEntries(
    Object.entries(weights)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

// The independent blocks differentiate through tf's own kernels, which only the cpu backend has in full.
describe("special cases of B'MOJO (cpu)", () => {
  before(() => useBackend('cpu'));
  const attention = {ssm: false, fading: 'none', eideticSlots: 0} as const;

  it('window >= L: a Transformer', () => {
    const layer = built({...attention, heads: 4, window: LENGTH});
    expectSame([layer], (x, w) =>
      denseWindowAttention(x, under('0/', w), {heads: 4, kvHeads: 4, window: LENGTH}),
    );
  });

  it('no window: a Transformer', () => {
    const layer = built({...attention, heads: 2, window: 0});
    expectSame([layer], (x, w) =>
      denseWindowAttention(x, under('0/', w), {heads: 2, kvHeads: 2, window: LENGTH}),
    );
  });

  it('window only, grouped queries: a sliding-window Transformer', () => {
    const layer = built({...attention, heads: 4, kvHeads: 2, window: 7});
    expectSame([layer], (x, w) => denseWindowAttention(x, under('0/', w), {heads: 4, kvHeads: 2, window: 7}));
  });

  it('no attention: Mamba', () => {
    const layer = built({attention: false, fading: 'none', eideticSlots: 0, stateSize: 4});
    expectSame([layer], (x, w) => steppedMamba(x, under('0/', w), 4));
  });

  it('alternating: a hybrid stack', () => {
    const layers = [
      built({attention: false, fading: 'none', eideticSlots: 0, stateSize: 4}),
      built({...attention, heads: 2, window: 5}),
    ];
    expectSame(layers, (x, w) =>
      denseWindowAttention(steppedMamba(x, under('0/', w), 4), under('1/', w), {
        heads: 2,
        kvHeads: 2,
        window: 5,
      }),
    );
  });
});
