// Models whose matrices are halves: what they write, what they take of memory, and what is refused.

import {memory, tensor2d} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {drawnModel} from '../../models/half-model.js';
import {heldWeights} from '../../models/held-weights.js';
import {
  asLanguageModel,
  LanguageModel,
  ModelFormatError,
  modelInMemory,
  openModel,
  weightsDigest,
  withMemory,
  writeModel,
} from '../../models/index.js';
import type {ReadableBackend} from '../support/backends.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {expectAlike, halfAndRounded} from '../support/half-model-laws.js';
import {languageContents} from '../support/model-folders.js';
import {ownModels} from '../support/own-models.js';

const formats = ['float16', 'bfloat16'] as const;
const few: readonly string[] = [
  'mamba',
  'mamba2',
  'short convolutions',
  'untied transformer with a bias on its head',
];

for (const backend of readableBackends as readonly ReadableBackend[])
  describe(`models of halves on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });
    for (const [name, {given}] of Object.entries(ownModels).filter(
      ([one]) => backend === 'wasm' || few.includes(one),
    ))
      for (const format of formats)
        it(`${name}, ${format}: what float32 of the rounded numbers gives, bit for bit`, async () => {
          const models = await halfAndRounded(given, format);
          await expectAlike(models);
          models.half.model.dispose();
          models.rounded.model.dispose();
        });
  });

describe('models of halves', () => {
  before(() => useBackend('wasm'));

  const given = {preset: 'transformer', vocabSize: 512, dModel: 64, layers: 2, heads: 4, mlp: true} as const;
  /** Bytes that a model takes, by tf's count. */
  const bytesOf = (make: () => LanguageModel): number => {
    const before = memory().numBytes;
    const {model} = make();
    const bytes = memory().numBytes - before;
    model.dispose();
    expect(memory().numBytes).to.equal(before);
    return bytes;
  };

  it('take half of the bytes, and count as many parameters', () => {
    const whole = bytesOf(() => LanguageModel.create(given));
    for (const format of formats) {
      const half = bytesOf(() => asLanguageModel(drawnModel(given, format)));
      expect(half / whole).to.be.within(0.5, 0.51);
    }
    const [one, other] = [LanguageModel.create(given), asLanguageModel(drawnModel(given, 'float16'))];
    expect(other.parameterCount()).to.equal(one.parameterCount());
    one.model.dispose();
    other.model.dispose();
  });

  for (const storage of ['float32', 'float16'] as const)
    for (const weights of formats)
      it(`a folder of ${storage} is opened in ${weights}`, async () => {
        const folder = modelInMemory();
        const contents = languageContents();
        await writeModel(folder, contents, {dtype: storage});
        const before = memory().numTensors;
        const {model} = await openModel(folder, {dtype: weights});
        const held = heldWeights(model.model);
        expect(held.filter(({storage: own}) => own === weights).length).to.be.above(8);
        const {model: wide} = await openModel(folder);
        for (const [i, weight] of heldWeights(wide.model).entries())
          if (held[i].storage === weights) weight.take(await held[i].numbers());
        await expectAlike({half: asLanguageModel(model), rounded: asLanguageModel(wide)});
        // Equal numbers have equal digests, however they are held.
        expect(await weightsDigest(model)).to.equal(await weightsDigest(wide));
        for (const one of [model, wide]) one.model.dispose();
        expect(memory().numTensors).to.equal(before);
        contents.model.model.dispose();
      });

  it('take another memory with the same halves, which the first keeps', async () => {
    const config = {...given, preset: 'bmojo', heads: 2, window: 4, eideticSlots: 4, seed: 3} as const;
    const {half, rounded} = await halfAndRounded(config, 'float16');
    const [changed, wide] = [half, rounded].map(model => withMemory(model, {window: 8, eideticSlots: 2}));
    const shared = half.model.weights.filter(
      (weight, i) => weight.read().dataId === changed.model.weights[i].read().dataId,
    );
    expect(shared.map(({dtype}) => dtype)).to.deep.equal(
      half.model.weights.filter(({dtype}) => dtype === 'int32').map(() => 'int32'),
    );
    await expectAlike({half: changed, rounded: wide});
    changed.model.dispose();
    await expectAlike({half, rounded});
    for (const one of [wide, half, rounded]) one.model.dispose();
  });

  it('are refused in training and saving, with what to do', async () => {
    const model = asLanguageModel(drawnModel(given, 'bfloat16'));
    const ids = tensor2d([[1, 2, 3]], undefined, 'int32');
    model.compile({optimizer: 'sgd'});
    const failed = await model.fit(ids, ids, {epochs: 1}).then(
      () => '',
      error => String(error),
    );
    expect(failed).to.include('in float32 for a gradient: load the model with dtype float32');
    const folder = modelInMemory();
    for (const save of [() => writeModel(folder, {model}), () => model.model.save('file:///nowhere')]) {
      const refused = await save().then(
        () => undefined,
        error => error,
      );
      expect(refused).to.be.instanceOf(ModelFormatError);
      expect(String(refused)).to.include('held as bfloat16, for inference');
    }
    model.model.dispose();
  });

  it('a number beyond the range of float16 is refused by the name of its weight, and has a place in bfloat16', async () => {
    const contents = languageContents();
    const weight = heldWeights(contents.model.model).find(({name}) => name === 'embedding/table');
    const numbers = Float32Array.from((await weight?.numbers()) ?? []);
    numbers[3] = 1e5;
    weight?.take(numbers);
    const folder = modelInMemory();
    await writeModel(folder, contents);
    const before = memory().numTensors;
    const refused = await openModel(folder, {dtype: 'float16'}).catch(error => String(error));
    expect(refused).to.include(
      'embedding/table holds 100000, which float16 cannot: load the model with dtype bfloat16 or float32',
    );
    expect(memory().numTensors).to.equal(before);
    (await openModel(folder, {dtype: 'bfloat16'})).model.model.dispose();
    contents.model.model.dispose();
  });
});
