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

  const parallel = {fading: 'none', eideticSlots: 0, ssmOutput: 'add', stateSize: 4} as const;

  it('SSM output added, no fading tokens: a window beside Mamba (a parallel hybrid)', () => {
    const layer = built({...parallel, heads: 2, window: 5});
    expectSame([layer], (x, w) => {
      const own = under('0/', w);
      return steppedMamba(x, own, 4).add(denseWindowAttention(x, own, {heads: 2, kvHeads: 2, window: 5}));
    });
  });

  it('SSM output gated, no fading tokens: the same with a factor for each channel', () => {
    const layer = built({...parallel, heads: 2, window: 5, ssmOutput: 'gated'});
    const gate = layer.trainableWeights.find(weight => weight.originalName.endsWith('output_gate'));
    gate?.write(tf.linspace(-1, 2, WIDTH));
    expectSame([layer], (x, w) => {
      const own = under('0/', w);
      const gated = steppedMamba(x, own, 4).mul(own.output_gate.tanh());
      return gated.add(denseWindowAttention(x, own, {heads: 2, kvHeads: 2, window: 5}));
    });
  });

  it('SSM output projected by the weights of the fading tokens: the same as added', () => {
    const shared = {heads: 2, window: 5, eideticSlots: 3, stateSize: 4} as const;
    const [added, projected] = [
      built({...shared, ssmOutput: 'add'}),
      built({...shared, ssmOutput: 'projected'}),
    ];
    const weight = (layer: BMojoMixer, name: string): tf.Tensor | undefined =>
      layer.trainableWeights.find(({originalName}) => originalName.endsWith(name))?.read();
    const x = normal3d([BATCH, LENGTH, WIDTH], 2);
    const values = (layer: BMojoMixer): Float32Array | Int32Array | Uint8Array =>
      tf.tidy(() => (layer.apply(x) as tf.Tensor).dataSync());
    const direct = weight(projected, 'ssm.direct_proj') as tf.Variable;
    expect(values(projected)).to.not.deep.equal(values(added));
    direct.assign(weight(projected, 'ssm.out_proj') as tf.Tensor);
    expect(values(projected)).to.deep.equal(values(added));
    x.dispose();
    for (const layer of [added, projected]) layer.dispose();
  });

  it("SSM output added: B'MOJO of the same weights, plus the fading tokens", () => {
    const shared = {heads: 2, window: 5, eideticSlots: 3, stateSize: 4} as const;
    const [paper, added, gated] = (['none', 'add', 'gated'] as const).map(ssmOutput =>
      built({...shared, ssmOutput}),
    );
    tf.tidy(() => {
      const x = normal3d([BATCH, LENGTH, WIDTH], 2);
      const {y, fading, innovation, stored} = paper.analyze(x);
      const other = added.analyze(x);
      expect(other.y.dataSync()).to.deep.equal(y.add(fading as tf.Tensor3D).dataSync());
      expect(other.stored?.dataSync()).to.deep.equal(stored?.dataSync());
      expect(other.innovation?.dataSync()).to.deep.equal(innovation?.dataSync());
      expect(gated.analyze(x).y.dataSync(), 'gates start closed').to.deep.equal(y.dataSync());
    });
    for (const layer of [paper, added, gated]) layer.dispose();
  });

  it('refuses an SSM output that nothing could bring forth or use', () => {
    expect(() => new BMojoMixer({...attention, ssmOutput: 'add'})).to.throw(
      "ssmOutput must be 'none' where attention and ssm are not both on, got 'add'",
    );
    expect(() => new BMojoMixer({fading: 'none', eideticSlots: 0, ssmOutput: 'projected'})).to.throw(
      "fading must be 'sliding' or 'chunk' when attention and ssm are on and ssmOutput is 'projected'",
    );
    expect(() => new BMojoMixer({fading: 'none', eideticSlots: 0})).to.throw("and ssmOutput is 'none'");
  });
});
