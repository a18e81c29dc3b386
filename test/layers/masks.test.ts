// Padding, for every layer and preset: behind a text it changes nothing that comes before it, with tf's mask or without; a
// layer that would remember it, or count it as a position, refuses tf's mask by name, on whichever side the padding is.

import type {Tensor, Tensor3D} from '@tensorflow/tfjs-core';
import {concat, ones, pad, slice, tensor2d, tidy} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import {expect} from 'chai';
import {ArgumentError, useBackend} from '../../custom-ops/index.js';
import {DeclaredLayer, sparseCrossEntropyFromLogits} from '../../layers/index.js';
import type {PresetName} from '../../models/index.js';
import {LanguageModel, presetNames, presets} from '../../models/index.js';
import {relativeError} from '../support/error.js';
import {normal3d} from '../support/tensors.js';
import {layersOfOtherInputs, otherLayers, streamingLayers} from './mixers.js';

const [LENGTH, PADDING, WIDTH] = [13, 5, 16];

const distance = (value: Tensor, reference: Tensor): number =>
  relativeError(value.dataSync(), reference.dataSync());

const text = () => normal3d([2, LENGTH, WIDTH], 1);

/** A window and slots that are smaller than the text, where the preset has some. */
const modelOf = (preset: PresetName) =>
  LanguageModel.create({
    vocabSize: 11,
    dModel: WIDTH,
    window: 4,
    eideticSlots: 3,
    ...presets[preset],
    preset,
  });

const sides = {
  before: {pad: [PADDING, 0], begin: PADDING},
  behind: {pad: [0, PADDING], begin: 0},
} as const;

describe('padding behind a text, on wasm', () => {
  before(() => useBackend('wasm'));

  for (const [name, create] of Object.entries(streamingLayers))
    it(`changes nothing before it: ${name}`, () =>
      tidy(() => {
        const layer = create();
        const alone = layer.apply(text()) as Tensor3D;
        const padded = layer.apply(concat([text(), normal3d([2, PADDING, WIDTH], 2)], 1)) as Tensor3D;
        expect(distance(slice(padded, [0, 0, 0], alone.shape), alone)).to.be.below(1e-5);
        layer.dispose();
      }));

  for (const preset of presetNames)
    it(`changes neither logits nor loss: ${preset}`, () =>
      tidy(() => {
        const {model} = modelOf(preset);
        const ids = Array.from({length: LENGTH}, (_, i) => (3 * i) % 10);
        const labels = ids.map(id => (id + 1) % 11);
        const padding = Array.from({length: PADDING}, () => 10);
        const logits = (of: number[]) => model.predict(tensor2d(of, [1, of.length], 'int32')) as Tensor3D;
        const loss = (of: number[], at: Tensor3D) =>
          sparseCrossEntropyFromLogits(tensor2d(of, [1, of.length]), at);
        const [alone, padded] = [logits(ids), logits([...ids, ...padding])];
        expect(distance(slice(padded, [0, 0, 0], alone.shape), alone)).to.be.below(1e-5);
        const ignored = padding.map(() => -100);
        expect(distance(loss([...labels, ...ignored], padded), loss(labels, alone))).to.be.below(1e-5);
        model.dispose();
      }));
});

describe("tf's mask of padding, on wasm", () => {
  before(() => useBackend('wasm'));

  for (const [side, {pad: amount, begin}] of Object.entries(sides)) {
    const padded = (of: Tensor3D) => pad(of, [[0, 0], [...amount], [0, 0]]);

    for (const [name, create] of Object.entries({...streamingLayers, ...otherLayers}))
      it(`${side} a text is honoured or refused by name: ${name}`, () =>
        tidy(() => {
          const layer = create();
          const masked = tfl.sequential({
            layers: [tfl.layers.masking({maskValue: 0, inputShape: [null, WIDTH]}), layer],
          });
          const predict = (of: Tensor3D) => masked.predict(padded(of)) as Tensor3D;
          if (layer.isTokenwise) {
            const alone = layer.apply(text()) as Tensor3D;
            expect(distance(slice(predict(text()), [0, begin, 0], alone.shape), alone)).to.be.below(1e-5);
          } else {
            const known = layer.getClassName().replace(/^BMojo(?!Mixer)/, '');
            expect(() => predict(text())).to.throw(ArgumentError, `${known}: mask must be absent`);
          }
          masked.dispose();
        }));

    for (const preset of presetNames)
      it(`${side} a text is refused by name: the layers of ${preset}`, () =>
        tidy(() => {
          const {model} = modelOf(preset);
          const masked = tfl.sequential({
            layers: [
              tfl.layers.embedding({inputDim: 11, outputDim: WIDTH, maskZero: true, inputShape: [null]}),
              ...model.layers.filter(layer => layer instanceof DeclaredLayer).slice(1, -1),
            ],
          });
          const ids = pad(ones([1, LENGTH], 'int32'), [[0, 0], [...amount]]);
          expect(() => masked.predict(ids)).to.throw(ArgumentError, 'ResidualBlock: mask must be absent');
        }));
  }

  it('is refused by layers of other inputs, but for those to which no token matters but its own', () => {
    const mask = ones([1, 2], 'bool');
    const honoured = Object.entries(layersOfOtherInputs).filter(([name, create]) => {
      const layer = create();
      if (layer instanceof DeclaredLayer) return layer.isTokenwise;
      if (name === 'tied head') return true; // one product for each token
      expect(() => layer.apply(ones([1, 2, 1, 4]), {mask})).to.throw(ArgumentError, ': mask must be absent');
      return false;
    });
    expect(honoured.map(([name]) => name)).to.deep.equal(['token embedding', 'tied head']);
  });
});
