import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {Tensor} from '@tensorflow/tfjs-core';
import {ones} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {fileSystem} from '../../models/file-system.js';
import {ModelFormatError} from '../../models/model-format.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';

function example(): tfl.Sequential {
  const model = tfl.sequential({
    layers: [tfl.layers.dense({units: 3, inputShape: [4], activation: 'tanh'}), tfl.layers.dense({units: 2})],
  });
  model.setUserDefinedMetadata({note: 'kept'});
  return model;
}

const predict = (model: tfl.LayersModel): number[] => [...(model.predict(ones([1, 4])) as Tensor).dataSync()];

async function rejection(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(
    () => undefined,
    error => error,
  );
}

for (const backend of readableBackends) {
  describe(`models on disk, ${backend}`, () => {
    let folder: string;
    before(function () {
      return useReadableBackend(this, backend);
    });
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'bmojo-model-'));
    });
    afterEach(() => rmSync(folder, {recursive: true}));

    it('come back with equal weights, outputs and metadata', async () => {
      const model = example();
      await model.save(fileSystem(folder));
      for (const path of [folder, join(folder, 'model.json')]) {
        const loaded = await tfl.loadLayersModel(fileSystem(path));
        expect(predict(loaded)).to.deep.equal(predict(model));
        expect(loaded.getUserDefinedMetadata()).to.deep.equal({note: 'kept'});
      }
    });

    it('replace an older model whole and leave nothing of it', async () => {
      await example().save(fileSystem(folder));
      const second = example();
      await second.save(fileSystem(folder));
      expect(readdirSync(folder)).to.have.lengthOf(2);
      expect(predict(await tfl.loadLayersModel(fileSystem(folder)))).to.deep.equal(predict(second));
      await second.save(fileSystem(folder));
      expect(predict(await tfl.loadLayersModel(fileSystem(folder)))).to.deep.equal(predict(second));
    });
  });
}

describe('damaged models on disk', () => {
  let folder: string;
  before(() => useBackend('cpu'));
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-model-'));
    await example().save(fileSystem(folder));
  });
  afterEach(() => rmSync(folder, {recursive: true}));

  const json = (): string => join(folder, 'model.json');
  const weights = (): string => join(folder, readdirSync(folder).find(name => name.endsWith('.bin')) ?? '');
  /** Rewrites model.json, without the checksum so that the other checks are reached. */
  const edit = (
    change: (model: {weightsManifest: {paths: string[]; weights: Record<string, unknown>[]}[]}) => void,
  ): void => {
    const {sha256, ...model} = JSON.parse(readFileSync(json(), 'utf8'));
    expect(sha256).to.have.lengthOf(64);
    change(model);
    writeFileSync(json(), JSON.stringify(model));
  };
  const group = (change: (weights: Record<string, unknown>[]) => void): void =>
    edit(model => change(model.weightsManifest[0].weights));

  const cases: [string, () => void, string][] = [
    ['missing', () => rmSync(json()), 'does not exist'],
    ['half a model.json', () => writeFileSync(json(), readFileSync(json()).subarray(0, 50)), 'is no JSON'],
    ['no model in it', () => writeFileSync(json(), '{}'), 'holds no modelTopology'],
    ['missing weights', () => rmSync(weights()), 'which does not exist'],
    [
      'a flipped bit',
      () => {
        const bytes = readFileSync(weights());
        bytes[5] ^= 4;
        writeFileSync(weights(), bytes);
      },
      'SHA-256',
    ],
    [
      'trailing bytes',
      () => {
        edit(() => {});
        writeFileSync(weights(), Buffer.concat([readFileSync(weights()), Buffer.alloc(4)]));
      },
      'needs 92 bytes of weights, got 96',
    ],
    [
      'NaN',
      () => {
        edit(() => {});
        const bytes = readFileSync(weights());
        bytes.writeFloatLE(Number.NaN, 8);
        writeFileSync(weights(), bytes);
      },
      'not finite',
    ],
    [
      'a path out of the folder',
      () => edit(model => (model.weightsManifest[0].paths = ['../secret'])),
      'no plain file name',
    ],
    ['a repeated weight', () => group(list => (list[1].name = list[0].name)), 'repeated'],
    ['a weight named __proto__', () => group(list => (list[0].name = '__proto__')), 'not allowed'],
    ['a strange dtype', () => group(list => (list[0].dtype = 'complex64')), 'must be plain float32'],
    ['a negative shape', () => group(list => (list[0].shape = [-4, 3])), 'no valid shape'],
  ];
  for (const [what, damage, words] of cases) {
    it(`are refused: ${what}`, async () => {
      damage();
      const error = await rejection(tfl.loadLayersModel(fileSystem(folder)));
      expect(error).to.be.instanceOf(ModelFormatError);
      expect(String(error)).to.include(words);
    });
  }
});
