// What leaves in a layout of the Hub beside its own library: transformers loads it and gives the same logits and ids.

import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {byteTokenizer, charTokenizer, tokenizerFromJSON} from '../../data/tokenizers/index.js';
import {LanguageModel, writePretrained} from '../../models/index.js';
import {fromPretrained, modelStoreAt} from '../../models/node.js';
import {expectClose} from '../support/error.js';
import {goldenModels, wholeLogits} from '../support/golden-models.js';
import {ownModels} from '../support/own-models.js';
import {tinyBpe} from '../support/tiny-bpe.js';

const python = process.env.BMOJO_PYTHON ?? 'python3';

/** For each line of JSON {folder, ids, text} on standard input one of {logits, ids, text, begun}; -P leaves the current folder out. */
const READER = `
import json, sys, os, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
for line in sys.stdin:
  asked = json.loads(line)
  model, info = AutoModelForCausalLM.from_pretrained(asked['folder'], output_loading_info=True)
  strange = {k: sorted(map(str, v)) for k, v in info.items() if k in ('missing_keys', 'unexpected_keys', 'mismatched_keys') and v}
  with torch.no_grad():
    logits = model.double().eval()(torch.tensor(asked['ids']), use_cache=False).logits
  answer = {'logits': logits.flatten().tolist(), 'strange': strange}
  if 'text' in asked:
    tokenizer = AutoTokenizer.from_pretrained(asked['folder'])
    ids = tokenizer(asked['text'], add_special_tokens=False)['input_ids']
    answer.update(ids=ids, text=tokenizer.decode(ids), begun=tokenizer(asked['text'])['input_ids'])
  print(json.dumps(answer))
`;

interface Asked {
  readonly folder: string;
  readonly ids: readonly (readonly number[])[];
  readonly text?: string;
}

interface Answer {
  readonly logits: number[];
  readonly strange: object;
  readonly ids?: number[];
  readonly text?: string;
  /** Ids of the text as a model is given it. */
  readonly begun?: number[];
}

function ask(asked: readonly Asked[]): Answer[] {
  const ran = spawnSync(python, ['-P', '-c', READER], {
    input: asked.map(one => JSON.stringify(one)).join('\n'),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: {...process.env, HF_HUB_OFFLINE: '1', PYTHONUTF8: '1'},
  });
  expect(ran.status, ran.stderr).to.equal(0);
  return ran.stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
}

describe('beside transformers', function () {
  this.timeout(600_000);
  let folder: string;
  before(async function () {
    if (spawnSync(python, ['-P', '-c', 'import torch, transformers']).status !== 0) {
      console.warn(
        `NOT CHECKED: ${python} cannot import torch and transformers; pip install them, or name a python with BMOJO_PYTHON`,
      );
      this.skip();
    }
    await useBackend('cpu');
    folder = mkdtempSync(join(tmpdir(), 'bmojo-transformers-'));
  });
  after(() => {
    if (folder !== undefined) rmSync(folder, {recursive: true, force: true});
  });

  it('golden models, read and written again, and models of ours: equal logits, no tensor missing or left over', async () => {
    const asked: Asked[] = [];
    const expected: {name: string; logits: Float32Array}[] = [];
    const leave = async (name: string, model: LanguageModel, ids: Asked['ids']): Promise<void> => {
      const own = join(folder, String(asked.length));
      const {modelType} = await writePretrained(modelStoreAt(own), {model});
      if (modelType !== 'bmojo') {
        asked.push({folder: own, ids});
        expected.push({name: `${name} as ${modelType}`, logits: await wholeLogits(model, ids)});
      }
      model.model.dispose();
    };
    for (const {name, folder: own, ids} of goldenModels)
      await leave(name, (await fromPretrained(own)).model, ids);
    for (const [name, {given}] of Object.entries(ownModels))
      await leave(name, LanguageModel.create(given), [[1, 5, 9, 2, 6, 5, 3, 39]]);
    expect(asked).to.have.length.above(20);
    const answers = ask(asked);
    for (const [i, {name, logits}] of expected.entries()) {
      expect(answers[i].strange, name).to.deep.equal({});
      expectClose(logits, answers[i].logits, 1e-4, name);
    }
  });

  it('tokenizers of bytes, of characters and of the Hub: equal ids, with what begins a text before them', async () => {
    const cases = [
      {tokenizer: byteTokenizer(), text: 'Füße, 1 2 3\n', startTokens: []},
      {tokenizer: charTokenizer([...'\n 0123abcß😀']), text: 'abc 123\nß 😀0', startTokens: [3]},
      {tokenizer: tokenizerFromJSON(tinyBpe()), text: 'the other', startTokens: [0, 258]},
    ];
    const asked: Asked[] = [];
    for (const [i, {tokenizer, text, startTokens}] of cases.entries()) {
      const own = join(folder, `tokenizer-${i}`);
      const model = LanguageModel.create({preset: 'mamba', vocabSize: 300, dModel: 16, layers: 1});
      await writePretrained(modelStoreAt(own), {model, tokenizer, startTokens});
      model.model.dispose();
      asked.push({folder: own, ids: [[1]], text});
    }
    ask(asked).forEach((answer, i) => {
      const {tokenizer, text, startTokens} = cases[i];
      expect(answer.begun).to.deep.equal([...startTokens, ...tokenizer.encode(text)]);
      expect(answer.ids).to.deep.equal([...tokenizer.encode(text)]);
      expect(answer.text).to.equal(text);
    });
  });
});
