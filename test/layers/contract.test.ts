// What every layer must do: keep its configuration, save and load bit-equal, learn with all its weights, refuse bad input.

import type {Tensor, Tensor3D, Variable} from '@tensorflow/tfjs-core';
import {dispose, io, memory, mul, serialization, sum, tidy, variableGrads} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import {expect} from 'chai';
import {RotaryEmbedding} from '../../layers/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {normal3d} from '../support/tensors.js';
import {layersOfOtherInputs, otherLayers, streamingLayers} from './mixers.js';

const [BATCH, LENGTH, WIDTH] = [2, 29, 16];

async function saveAndLoad(model: tfl.LayersModel): Promise<tfl.LayersModel> {
  let saved: io.ModelArtifacts | undefined;
  await model.save(
    io.withSaveHandler(async artifacts => {
      saved = artifacts;
      return {modelArtifactsInfo: {dateSaved: new Date(0), modelTopologyType: 'JSON'}};
    }),
  );
  return tfl.loadLayersModel(io.fromMemory(saved as io.ModelArtifacts));
}

for (const backend of readableBackends) {
  describe(`layer contract on ${backend}`, () => {
    let x: Tensor3D;
    const made: Tensor3D[] = []; // none where the backend is missing: after runs all the same
    before(async function () {
      await useReadableBackend(this, backend);
      x = normal3d([BATCH, LENGTH, WIDTH], 6);
      made.push(x);
    });
    after(() => dispose(made));

    const all = {...streamingLayers, ...otherLayers, ...layersOfOtherInputs};
    for (const [name, create] of Object.entries(all)) {
      it(`${name}: configuration round trip`, () => {
        const layer = create();
        const [Class, fromConfig] =
          serialization.SerializationMap.getMap().classNameMap[layer.getClassName()];
        const again = fromConfig(Class, layer.getConfig()) as tfl.layers.Layer;
        expect(again.getConfig()).to.deep.equal(layer.getConfig());
      });

      it(`${name}: refuses an unknown setting with a suggestion`, () => {
        const layer = create();
        const Class = layer.constructor as new (args: object) => tfl.layers.Layer;
        expect(() => new Class({...layer.getConfig(), windwo: 3, epsilno: 1, hiden: 4})).to.throw(
          /unknown setting/,
        );
      });
    }

    for (const [name, create] of Object.entries({...streamingLayers, ...otherLayers})) {
      it(`${name}: has the weights that it declares`, () => {
        const layer = create();
        const declared = layer.weightSpecs(WIDTH).map(spec => `${spec.name} ${spec.shape}`);
        layer.apply(x);
        const built = layer.trainableWeights.map(weight => {
          const [, own] = weight.originalName.split('/');
          return `${own} ${weight.shape}`;
        });
        expect(built).to.deep.equal(declared);
        layer.dispose();
      });

      it(`${name}: saves and loads bit-equal`, async () => {
        const model = tfl.sequential({
          layers: [tfl.layers.inputLayer({inputShape: [LENGTH, WIDTH]}), create()],
        });
        const loaded = await saveAndLoad(model);
        const values = (m: tfl.LayersModel): number[] => tidy(() => [...(m.predict(x) as Tensor).dataSync()]);
        expect(values(loaded)).to.deep.equal(values(model));
        model.dispose();
        loaded.dispose();
      });

      it(`${name}: a training step reaches every weight and leaks nothing`, () => {
        const layer = create();
        layer.apply(x);
        const weights = layer.trainableWeights.map(weight => weight.read() as Variable);
        const before = memory().numTensors;
        const {value, grads} = variableGrads(
          () => tidy(() => sum(mul(layer.apply(x) as Tensor, x)).asScalar()),
          weights,
        );
        for (const weight of weights) {
          const gradient = grads[weight.name];
          const largest = gradient === undefined ? 0 : Math.max(...gradient.dataSync().map(Math.abs));
          expect(largest, `gradient of ${weight.name}`).to.be.greaterThan(0);
          expect(Number.isFinite(largest), `gradient of ${weight.name} is finite`).to.equal(true);
        }
        value.dispose();
        for (const gradient of Object.values(grads)) gradient.dispose();
        expect(memory().numTensors, 'tensors left behind').to.equal(before);
        layer.dispose();
      });

      it(`${name}: refuses input of a wrong rank`, () => {
        const layer = create();
        expect(() => tidy(() => layer.apply(x.reshape([BATCH * LENGTH, WIDTH])) as Tensor)).to.throw(
          /must be|rank/,
        );
      });
    }

    it('RotaryEmbedding: keeps lengths, refuses odd heads', () => {
      tidy(() => {
        const layer = new RotaryEmbedding();
        const heads = x.reshape([BATCH, LENGTH, 4, 4]);
        const rotated = layer.apply(heads) as Tensor;
        const norm = (t: Tensor): number => t.square().sum().dataSync()[0];
        expect(norm(rotated)).to.be.closeTo(norm(heads), 1e-2);
        expect(() => layer.apply(x.reshape([BATCH, LENGTH, 16, 1]))).to.throw(/Dh/);
      });
    });
  });
}
