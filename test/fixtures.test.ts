// Files of the version before open and mean what they meant: see test/fixtures/README.md.

import {cpSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {useBackend} from '../custom-ops/index.js';
import {closeData, openData} from '../data/files/index.js';
import {loadRunModel} from '../experiments/run.js';
import {RunFolder} from '../experiments/run-folder.js';
import {DecodingSession} from '../models/decoding-session.js';
import {fileSystem} from '../models/file-system.js';
import {LanguageModel} from '../models/language-model.js';
import {bmojo} from './support/command.js';
import {expectClose} from './support/error.js';

const root = join(import.meta.dirname, '../../test/fixtures/v0.1.0');
const runs = ['mqar', 'hybrid', 'lm'] as const;
const fresh = ['paper', 'transformer'] as const;

interface Generation {
  readonly first: number[];
  readonly next: number[];
}

interface Scored {
  readonly step: number;
  readonly logits: number[];
}

interface Expected
  extends Record<
      (typeof runs)[number],
      Generation & {losses: number[]; last: Scored; best: Scored; files: number[]}
    >,
    Record<(typeof fresh)[number], Generation & {settings: object; logits: number[]}> {
  readonly ids: number[];
}

const expected: Expected = JSON.parse(readFileSync(join(root, 'expected.json'), 'utf8'));
const sampling = {temperature: 1, topK: 0, topP: 1, seed: 1};

/** The last 32 logits of the model on the ids of the fixtures. */
function logitsOf(model: tf.LayersModel): Float32Array {
  const {ids} = expected;
  return tf.tidy(() => {
    const logits = model.predict(tf.tensor2d([ids], [1, ids.length], 'int32')) as tf.Tensor;
    return logits.dataSync<'float32'>().slice(-32);
  });
}

async function written(session: DecodingSession, count: number): Promise<number[]> {
  const tokens: number[] = [];
  for (let i = 0; i < count; i++) tokens.push(await session.write(sampling));
  return tokens;
}

/** A session of its own, and one that goes on from the stored state, write what they wrote. */
async function expectGeneration(name: keyof Expected & string, model: LanguageModel, weights: string) {
  const {first, next} = expected[name] as Generation;
  const session = new DecodingSession(model, {weights});
  await session.read(expected.ids);
  expect(await written(session, first.length)).to.deep.equal(first);
  session.restore(readFileSync(join(root, `${name}.state`)));
  expect(session.position).to.equal(expected.ids.length + first.length);
  expect(await written(session, next.length)).to.deep.equal(next);
  session.dispose();
}

describe('files of version 0.1.0', () => {
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-fixtures-'));
    await useBackend('wasm');
  });
  after(() => rmSync(folder, {recursive: true}));

  for (const name of runs) {
    it(`${name}: last and best weights, the tf model folder and the generation state give the same numbers`, async () => {
      const run = RunFolder.open(join(root, name));
      expect(run.finished).to.equal(true);
      for (const weights of ['last', 'best'] as const) {
        const {model, step, digest} = await loadRunModel(run, {weights, backend: 'wasm'});
        expect(step).to.equal(expected[name][weights].step);
        expectClose(logitsOf(model.model), expected[name][weights].logits, 1e-5, `logits, ${weights}`);
        if (weights === 'last') await expectGeneration(name, model, digest);
        model.model.dispose();
      }
      const files = new LanguageModel(await tf.loadLayersModel(fileSystem(join(root, name, 'model'))));
      expectClose(logitsOf(files.model), expected[name].files, 1e-5, 'logits of model/');
      expect(files.config).to.deep.equal(run.config.model);
      files.model.dispose();
    });

    it(`${name}: goes on from its checkpoint with the losses of that version`, async () => {
      const copy = join(folder, name);
      cpSync(join(root, name), copy, {recursive: true});
      const task = name === 'lm' ? 'lm' : 'mqar';
      const resumed = await bmojo(['train', task, '--resume', '--out', copy, '--steps', '7', '--json']);
      expect(resumed.code, resumed.err).to.equal(0);
      const losses = resumed.out
        .split('\n')
        .filter(line => line.includes('"type":"step"'))
        .map(line => Number(JSON.parse(line).loss));
      expectClose(losses.slice(-2), expected[name].losses, 1e-5, 'losses');
    });
  }

  for (const name of fresh) {
    it(`${name}: a model of these settings starts and goes on from a stored state as it did`, async () => {
      const model = LanguageModel.create(expected[name].settings);
      expectClose(logitsOf(model.model), expected[name].logits, 1e-5, 'logits');
      await expectGeneration(name, model, '');
      model.model.dispose();
    });
  }

  it('the token folder opens, its checksums hold and its text is whole', () => {
    const data = openData(join(root, 'tokens'), {verify: true});
    expect(data.tokenizer.decode(data.train.read(0, 22))).to.equal('line 0 of the text\nlin');
    closeData(data);
  });
});
