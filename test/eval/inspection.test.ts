// Laws of looking into the memory: what is seen is what is computed, and an intervention changes what it should, alone.

import {memory, tensor2d} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {SettingError} from '../../config/schema.js';
import {useBackend} from '../../custom-ops/index.js';
import {createMqar} from '../../data/mqar.js';
import {IGNORED} from '../../data/task.js';
import type {Inspection} from '../../eval/index.js';
import {inspect, memoryView} from '../../eval/index.js';
import {LanguageModel, withMemory} from '../../models/index.js';
import {stepInPlace} from '../support/in-place-step.js';

const {inputs: tokens} = createMqar({length: 64, pairs: 4, vocabSize: 64}).sample({
  seed: 1,
  split: 'test',
  index: 0,
});
const config = {vocabSize: 64, dModel: 16, layers: 2, heads: 2, window: 8, eideticSlots: 6, seed: 3} as const;

const KEYS = 4;
const VALUES = 4;
/** Ids of the hand-made model: pairs of key and value, questions, answers, filler. */
const pair = (key: number, value: number): number => key * VALUES + value;
const ask = (key: number): number => KEYS * VALUES + key;
const answer = (value: number): number => KEYS * VALUES + KEYS + value;
const FILLER = answer(VALUES);

/** One layer that answers questions of pairs that it has stored: nothing but the asked key's pair gets any attention. */
function recallModel(sharpness: number): LanguageModel {
  const model = LanguageModel.create({
    vocabSize: FILLER + 1,
    dModel: 16,
    layers: 1,
    heads: 1,
    window: 4,
    eideticSlots: 4,
    positions: 'none',
    tieFading: true,
  });
  const table = (rows: number, ones: readonly (readonly [number, number, number])[]): number[] => {
    const values = new Array<number>(rows * 16).fill(0);
    for (const [row, column, value] of ones) values[row * 16 + column] = value;
    return values;
  };
  const four = [0, 1, 2, 3];
  const weights: Record<string, number[]> = {
    'embedding/table': table(FILLER + 1, [
      ...four.flatMap(key =>
        four.flatMap(
          value =>
            [
              [pair(key, value), key, 1],
              [pair(key, value), 4 + value, 1],
            ] as const,
        ),
      ),
      ...four.map(key => [ask(key), 8 + key, 1] as const),
      ...four.map(value => [answer(value), 12 + value, 1] as const),
    ]),
    'block_0/q_proj': table(
      16,
      four.map(i => [8 + i, i, sharpness]),
    ),
    'block_0/k_proj': table(
      16,
      four.map(i => [i, i, 1]),
    ),
    'block_0/v_proj': table(
      16,
      four.map(i => [4 + i, i, 1]),
    ),
    'block_0/o_proj': table(
      16,
      four.map(i => [i, 12 + i, 1]),
    ),
    'block_0/ssm.out_proj': [],
  };
  for (const {name, variable} of model.parameters()) {
    const values = weights[name];
    if (values === undefined) continue;
    const filled = values.length === 0 ? new Array<number>(variable.size).fill(0) : values;
    variable.assign(tensor2d(filled, variable.shape as [number, number]));
  }
  return model;
}

/** Pairs first, questions far beyond the window; key 3 is never asked. */
const recall = Int32Array.from([
  ...[pair(0, 2), pair(1, 0), pair(2, 3), pair(3, 1)],
  ...new Array<number>(4).fill(FILLER),
  ...[FILLER, ask(1), FILLER, ask(0), FILLER, FILLER, ask(2), FILLER],
]);
const wanted = Int32Array.from(recall, id =>
  id === ask(0) ? answer(2) : id === ask(1) ? answer(0) : id === ask(2) ? answer(3) : IGNORED,
);

function sameFrom(one: Inspection, other: Inspection, begin: number, end: number): void {
  expect(one.losses.slice(begin, end)).to.deep.equal(other.losses.slice(begin, end));
  expect(one.best.slice(begin, end)).to.deep.equal(other.best.slice(begin, end));
}

describe('inspection', () => {
  before(() => useBackend('wasm'));

  it('without interventions is the analysis and the model themselves, bit for bit, and leaves nothing behind', async () => {
    const model = LanguageModel.create({...config, preset: 'bmojo', mlp: true});
    const view = await memoryView(model, tokens);
    const before = memory().numTensors;
    const seen = await inspect(model, tokens);
    const next = await seen.next(20);
    expect(memory().numTensors, 'tensors left behind').to.equal(before);
    for (const [i, layer] of seen.layers.entries()) {
      expect(layer.innovation).to.deep.equal(view.layers[i].innovation);
      expect(layer.shares).to.deep.equal(view.layers[i].shares);
      expect(layer.stored?.map(({displacedBy, ...rest}) => rest)).to.deep.equal(view.layers[i].stored);
    }
    const hidden = model.hidden(tensor2d(tokens, [1, 64], 'int32'));
    const logits = await model.logits(hidden.reshape([64, 16])).array();
    const total = logits[20].reduce((sum, logit) => sum + Math.exp(logit), 0);
    next.forEach((share, id) => {
      expect(share).to.be.closeTo(Math.exp(logits[20][id]) / total, 1e-6);
    });
    expect(seen.losses[20]).to.be.closeTo(-Math.log(next[tokens[21]]), 1e-5);
    expect(seen.losses[63]).to.be.NaN;
    seen.best.forEach((id, at) => {
      expect(id).to.equal(logits[at].indexOf(Math.max(...logits[at])));
    });
    model.model.dispose();
  });

  it('tells how far it is, and ends where it is told to, without a tensor left behind', async () => {
    const model = LanguageModel.create({...config, preset: 'bmojo', mlp: true});
    const before = memory().numTensors;
    const shares: number[] = [];
    await inspect(model, tokens, {onProgress: share => shares.push(share)});
    expect(shares).to.have.lengthOf(model.config.layers + 1);
    shares.forEach((share, i) => {
      expect(share).to.be.closeTo((i + 1) / shares.length, 1e-12);
    });
    for (const last of shares) {
      const stop = new AbortController();
      const told: number[] = [];
      const onProgress = (share: number): void => {
        told.push(share);
        // As a message from outside comes: behind the work that is under way.
        if (share === last) setImmediate(() => stop.abort(new Error('enough')));
      };
      const {message} = await inspect(model, tokens, {signal: stop.signal, onProgress}).then(
        () => new Error('it went on'),
        (error: Error) => error,
      );
      expect([message, told.at(-1)]).to.deep.equal(['enough', last]);
      expect(memory().numTensors, 'tensors left behind').to.equal(before);
    }
    model.model.dispose();
  });

  it('rows of a query agree with the shares, head by head, for every kind of memory', async () => {
    const presets = ['bmojo', 'bmojo-paper', 'bmojo-f', 'swa', 'transformer', 'mamba'] as const;
    const models = [
      ...presets.map(preset => ({preset, storage: {}})),
      {preset: 'bmojo' as const, storage: {storage: 3}},
      {preset: 'bmojo-f' as const, storage: {storage: 3, kvHeads: 2, storagePositions: 'true' as const}},
    ];
    for (const {preset, storage} of models) {
      const slots = preset === 'bmojo' || preset === 'bmojo-paper' ? {} : {eideticSlots: 0};
      const model = LanguageModel.create({...config, kvHeads: 1, preset, ...slots, ...storage});
      const seen = await inspect(model, tokens);
      for (const {layer, shares, heads} of seen.layers)
        for (const position of [0, 5, 8, 31, 63]) {
          const rows = seen.reads(layer, position);
          expect(rows.length > 0).to.equal(preset !== 'mamba');
          for (let head = 0; head < heads; head++)
            ['window', 'fading', 'eidetic', 'storage'].forEach((name, i) => {
              const sum = rows
                .filter(({memory: from}) => from === name)
                .reduce((total, {weights}) => total + weights[head], 0);
              expect(sum, `${preset} ${name} at ${position}`).to.be.closeTo(
                shares![head][position][i] ?? 0,
                1e-5,
              );
            });
        }
      model.model.dispose();
    }
  });

  it('tells by which token each stored token was displaced', async () => {
    for (const eideticOverlap of [false, true]) {
      const model = LanguageModel.create({...config, preset: 'bmojo', eideticOverlap});
      const {layers} = await inspect(model, tokens);
      for (const {stored = [], innovation = []} of layers) {
        const gone = stored.filter(({until}) => until < 64);
        expect(gone).to.not.be.empty;
        for (const {position, until, displacedBy} of gone) {
          const arrival = (Math.floor(displacedBy! / 8) + (eideticOverlap ? 1 : 2)) * 8;
          expect(arrival, 'it came when the other left').to.equal(until);
          expect(innovation[displacedBy!]).to.be.above(innovation[position]);
        }
        expect(stored.filter(({until}) => until === 64).map(one => one.displacedBy)).to.deep.equal(
          new Array(6).fill(undefined),
        );
        expect(new Set(gone.map(one => one.displacedBy)).size).to.equal(gone.length);
      }
      model.model.dispose();
    }
  });

  it('forgetting the stored pair of a question destroys its answer alone', async () => {
    const model = recallModel(10);
    const before = await inspect(model, recall, {labels: wanted});
    const asked = [9, 11, 14];
    for (const at of asked) expect(before.best[at], `answer at ${at}`).to.equal(wanted[at]);
    const forgotten = await inspect(model, recall, {
      labels: wanted,
      interventions: [{kind: 'forget', position: 0}],
    });
    expect(forgotten.best[11]).to.not.equal(wanted[11]);
    expect(forgotten.losses[11] - before.losses[11]).to.be.above(1);
    for (const at of [9, 14]) {
      expect(forgotten.best[at]).to.equal(wanted[at]);
      expect(forgotten.losses[at]).to.be.closeTo(before.losses[at], 1e-5);
    }
    sameFrom(forgotten, before, 0, 8);
    expect(forgotten.layers[0].stored?.map(({position}) => position)).to.deep.equal([1, 2, 3]);
    expect(before.reads(0, 11)[0]).to.include({memory: 'eidetic', position: 0, distance: 11});
    expect(forgotten.reads(0, 11).some(({position}) => position === 0)).to.equal(false);
    model.model.dispose();
  });

  it('forgetting a token that no query attends to changes nothing, bit for bit', async () => {
    const model = recallModel(1000);
    const before = await inspect(model, recall, {labels: wanted});
    const forgotten = await inspect(model, recall, {
      labels: wanted,
      interventions: [{kind: 'forget', position: 3}],
    });
    for (const at of [9, 11, 14]) {
      const row = before
        .reads(0, at)
        .find(({memory: from, position}) => from === 'eidetic' && position === 3);
      expect(row?.weights[0]).to.be.below(1e-40);
      expect(await forgotten.next(at)).to.deep.equal(await before.next(at));
    }
    for (const at of [9, 11, 14]) sameFrom(forgotten, before, at, at + 1);
    const never = await inspect(model, recall, {
      labels: wanted,
      interventions: [{kind: 'forget', position: 10}],
    });
    sameFrom(never, before, 0, 16);
    model.model.dispose();
  });

  it('swapping a stored pair for another answers with the other', async () => {
    const model = recallModel(10);
    const other = recall.slice();
    other[4] = pair(0, 1); // a second value for key 0, not stored: the slots are taken
    const before = await inspect(model, other, {labels: wanted});
    expect(before.best[14]).to.equal(answer(3));
    const swapped = await inspect(model, other, {
      labels: wanted,
      interventions: [{kind: 'swap', position: 2, by: 4}],
    });
    expect(swapped.layers[0].stored).to.deep.include({
      position: 4,
      token: pair(0, 1),
      innovation: 0,
      from: 12,
      until: 16,
    });
    expect(swapped.layers[0].stored?.find(({position}) => position === 2)).to.include({
      until: 12,
      displacedBy: 4,
    });
    sameFrom(swapped, before, 0, 12);
    expect(swapped.best[14], 'key 2 is no longer known').to.not.equal(answer(3));
    model.model.dispose();
  });

  it('a pinned token stays to the end, in its layer alone, at the cost of the least surprising one', async () => {
    const model = LanguageModel.create({...config, preset: 'bmojo'});
    const before = await inspect(model, tokens);
    const gone = before.layers[1].stored!.find(({until}) => until < 64)!;
    const pinned = await inspect(model, tokens, {
      interventions: [{kind: 'pin', position: gone.position, layers: [1]}],
    });
    expect(pinned.layers[0]).to.deep.equal(before.layers[0]);
    const stays = pinned.layers[1].stored!.find(({position}) => position === gone.position);
    expect(stays).to.include({until: 64}).and.not.have.property('displacedBy');
    for (let chunk = 0; chunk < 8; chunk++) {
      const held = ({layers}: Inspection): number[] =>
        layers[1]
          .stored!.filter(({from, until}) => from <= 8 * chunk && until > 8 * chunk)
          .sort((a, b) => b.innovation - a.innovation)
          .map(({position}) => position);
      const [natural, now] = [held(before), held(pinned)];
      const missing = natural.filter(position => !now.includes(position));
      if (natural.includes(gone.position) || natural.length === 0) expect(now).to.deep.equal(natural);
      else if (chunk * 8 >= gone.until) expect(missing).to.deep.equal([natural.at(-1)]);
    }
    sameFrom(pinned, before, 0, gone.until);
    expect(pinned.losses).to.not.deep.equal(before.losses);
    model.model.dispose();
  });

  it('other slots and another window: the same weights, a memory of that size, the old model unchanged', async () => {
    const model = LanguageModel.create({...config, preset: 'bmojo'});
    const before = await inspect(model, tokens);
    const same = withMemory(model, {});
    sameFrom(await inspect(same, tokens), before, 0, 64);
    const fewer = withMemory(model, {eideticSlots: 2, window: 4});
    const {layers} = await inspect(fewer, tokens);
    for (const {stored = [], window} of layers) {
      expect(window).to.equal(4);
      expect(stored.filter(({until}) => until === 64)).to.have.lengthOf(2);
    }
    stepInPlace(same);
    stepInPlace(fewer);
    same.model.dispose();
    fewer.model.dispose();
    sameFrom(await inspect(model, tokens), before, 0, 64);
    expect(() => withMemory(model, {window: 0})).to.throw(SettingError, /window must be >= 1/);
    model.model.dispose();
  });

  it('refuses what does not fit', async () => {
    const model = LanguageModel.create({...config, preset: 'bmojo'});
    const plain = LanguageModel.create({...config, eideticSlots: 0, preset: 'swa'});
    const refused = async (
      of: LanguageModel,
      interventions: Parameters<typeof inspect>[2],
      words: RegExp,
      given: ArrayLike<number> = tokens,
    ): Promise<void> => {
      const error = await inspect(of, given, interventions).then(
        () => undefined,
        caught => caught,
      );
      expect(error).to.be.instanceOf(SettingError);
      expect(error.message).to.match(words);
    };
    const forget = (position: number, layers?: number[]) => ({
      interventions: [{kind: 'forget', position, layers} as const],
    });
    const tensors = memory().numTensors;
    await refused(model, forget(64), /must lie in 0 to 63, got 64/);
    await refused(model, forget(1.5), /got 1\.5/);
    await refused(model, {interventions: [{kind: 'swap', position: 1, by: -1}]}, /got -1/);
    await refused(model, forget(3, [2]), /one that stores tokens \(0, 1\), got 2/);
    await refused(plain, forget(3), /stores no tokens word for word/);
    await refused(model, {}, /at least one token/, []);
    const pins = Array.from({length: 7}, (_, position) => ({kind: 'pin', position}) as const);
    await refused(model, {interventions: pins}, /has 6 slots, got 7 pinned/);
    expect(memory().numTensors).to.equal(tensors);
    model.model.dispose();
    plain.model.dispose();
  });
});
