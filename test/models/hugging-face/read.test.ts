// Forms in which the same model comes: numbers of every width, mamba_ssm's own config.json, files of a page; told as it goes.

import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';
import {useBackend} from '../../../custom-ops/index.js';
import {startTokensOf, tokenizerFromJSON} from '../../../data/tokenizers/index.js';
import {decodeSafetensors, encodeSafetensors} from '../../../formats/safetensors.js';
import {encodeHeader} from '../../../formats/safetensors-header.js';
import {describeCheckpoint} from '../../../models/hugging-face/checkpoint.js';
import type {MemoryFolder, ModelProgress} from '../../../models/index.js';
import {
  CheckpointImportError,
  DecodingSession,
  fromPretrained,
  generateText,
  LanguageModel,
  modelInMemory,
  writePretrained,
} from '../../../models/index.js';
import {goldenModels, wholeLogits} from '../../support/golden-models.js';
import {serveModel} from '../../support/model-server.js';
import {tinyBpe} from '../../support/tiny-bpe.js';

const golden = join(import.meta.dirname, '../../../../test/golden/hf');
const [mamba] = goldenModels;
const WEIGHTS = 'model.safetensors';
const bytesOf = (path: string) => new Uint8Array(readFileSync(join(mamba.folder, path)));
const {tensors} = decodeSafetensors(bytesOf(WEIGHTS));
type Settings = Readonly<Record<string, unknown>>;
const config: Settings = JSON.parse(readFileSync(join(mamba.folder, 'config.json'), 'utf8'));

function folder(weights: Uint8Array, settings: object = config): MemoryFolder {
  const store = modelInMemory('folder');
  store.files.set('config.json', new Uint8Array(new TextEncoder().encode(JSON.stringify(settings))));
  store.files.set(WEIGHTS, new Uint8Array(weights));
  return store;
}

async function logitsOf(store: Parameters<typeof fromPretrained>[0]): Promise<Float32Array> {
  const {model} = await fromPretrained(store);
  const logits = await wholeLogits(model, mamba.ids);
  model.model.dispose();
  return logits;
}

/** The upper halves of float32 numbers, which bfloat16 holds exactly. */
const upper = (data: ArrayLike<number>): Uint16Array =>
  Uint16Array.from(new Uint32Array(Float32Array.from(data).buffer), bits => bits >>> 16);

describe('fromPretrained', () => {
  before(() => useBackend('cpu'));

  it('reads bfloat16 and float64 as the same numbers in float32', async () => {
    const rounded = tensors.map(one => {
      const halves = upper(one.data);
      return {...one, halves, data: new Float32Array(Uint32Array.from(halves, half => half << 16).buffer)};
    });
    const expected = await logitsOf(folder(encodeSafetensors(rounded)));
    const wide = rounded.map(({data, ...one}) => ({...one, data: Float64Array.from(data)}));
    expect(await logitsOf(folder(encodeSafetensors(wide)))).to.deep.equal(expected);
    const header = encodeHeader(rounded.map(({name, shape}) => ({name, shape, dtype: 'BF16'})));
    const halves = rounded.map(one => Buffer.from(one.halves.buffer));
    expect(await logitsOf(folder(Buffer.concat([header, ...halves])))).to.deep.equal(expected);
  });

  for (const [name, ssmOf] of [
    ['mamba', (of: Settings) => ({d_conv: of.conv_kernel, dt_rank: of.time_step_rank})],
    ['mamba2', (of: Settings) => ({layer: 'Mamba2', headdim: of.head_dim, ngroups: 1, chunk_size: 256})],
  ] as const)
    it(`reads mamba_ssm's own config.json of ${name}, its names, its padded vocabulary and its copy of the head`, async () => {
      const from = goldenModels.find(one => one.name === name)?.folder ?? '';
      const settings: Settings = JSON.parse(readFileSync(join(from, 'config.json'), 'utf8'));
      const weights = new Uint8Array(readFileSync(join(from, WEIGHTS)));
      const own = {
        d_model: settings.hidden_size,
        n_layer: settings.num_hidden_layers,
        vocab_size: Number(settings.vocab_size) - 2,
        pad_vocab_size_multiple: settings.vocab_size,
        ssm_cfg: {d_state: settings.state_size, dt_min: 0.01, ...ssmOf(settings)},
        attn_layer_idx: [],
        rms_norm: true,
        residual_in_fp32: true,
        fused_add_norm: true,
      };
      const tableName = 'backbone.embeddings.weight';
      const all = decodeSafetensors(weights).tensors.filter(one => one.name !== 'lm_head.weight');
      const renamed = all.map(one => ({...one, name: one.name.replace('embeddings', 'embedding')}));
      const table = all.find(one => one.name === tableName);
      if (table === undefined) throw new Error(`no ${tableName}`);
      const copied = encodeSafetensors([...renamed, {...table, name: 'lm_head.weight'}]);
      const expected = await logitsOf(folder(weights, settings));
      expect(await logitsOf(folder(copied, own))).to.deep.equal(expected);
    });

  it('refuses by name what of a mamba_ssm Mamba-2 our layers do not have', async () => {
    const own = {d_model: 32, n_layer: 2, vocab_size: 61};
    for (const [ssm, words] of [
      [{ngroups: 2}, /ssm_cfg: ngroups must be 1, got 2/],
      [{norm_before_gate: true}, /norm_before_gate must be false/],
      [{headdim: 60}, /headdim must be a divisor of the inner width 64, got 60/],
      [{d_ssm: 32}, /d_ssm must be absent/],
      [{dt_limit: [0.1, 1]}, /time_step_limit must be \[0, Infinity\]/],
    ] as const) {
      const given = {...own, ssm_cfg: {layer: 'Mamba2', ...ssm}};
      const error = await fromPretrained(folder(bytesOf(WEIGHTS), given)).catch((reason: Error) => reason);
      expect(error).to.be.instanceOf(CheckpointImportError).with.property('message').that.matches(words);
    }
  });

  it('gives the ids that a text begins with, and reads them before a prompt', async () => {
    const tiny = tinyBpe() as {post_processor: unknown};
    const bos = {SpecialToken: {id: 'begin', type_id: 0}};
    const text = {Sequence: {id: 'A', type_id: 0}};
    const special = {begin: {id: 'begin', ids: [7], tokens: ['begin']}};
    const template = {
      type: 'TemplateProcessing',
      single: [bos, text],
      pair: [bos, text],
      special_tokens: special,
    };
    const byteLevel = {type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true};
    expect(startTokensOf({...tiny, post_processor: template})).to.deep.equal([7]);
    const both = {type: 'Sequence', processors: [byteLevel, template]};
    expect(startTokensOf({...tiny, post_processor: both})).to.deep.equal([7]);
    expect(startTokensOf({...tiny, post_processor: {...template, single: [text, bos]}})).to.deep.equal([]);
    expect(startTokensOf(tiny)).to.deep.equal([]);
    const end = '<|endoftext|>';
    expect(startTokensOf(tiny, {bos_token: end, add_bos_token: true})).to.deep.equal([0]);
    expect(startTokensOf(tiny, {bos_token: {content: 'the'}, add_bos_token: true})).to.deep.equal([258]);
    expect(startTokensOf(tiny, {bos_token: end})).to.deep.equal([]);
    const withTemplate = {...tiny, post_processor: template};
    expect(startTokensOf(withTemplate, {bos_token: end, add_bos_token: true})).to.deep.equal([0]);
    expect(startTokensOf(withTemplate, {bos_token: end, add_bos_token: false})).to.deep.equal([]);
    expect(startTokensOf(withTemplate, {bos_token: end})).to.deep.equal([7]);
    const model = LanguageModel.create({preset: 'mamba', vocabSize: 300, dModel: 16, layers: 1});
    const store = modelInMemory();
    await writePretrained(store, {model, tokenizer: tokenizerFromJSON({...tiny, post_processor: template})});
    const {model: opened, tokenizer, startTokens} = await fromPretrained(store);
    expect(startTokens).to.deep.equal([7]);
    if (tokenizer === undefined) throw new Error('no tokenizer came back');
    const session = new DecodingSession(opened);
    for (const position of [1 + 1, 1 + 1 + 1]) {
      for await (const _ of generateText(opened, {
        tokenizer,
        startTokens,
        prompt: 'the',
        maxTokens: 0,
        session,
      }))
        throw new Error('nothing was to be written');
      expect(session.position).to.equal(position);
    }
    session.dispose();
    opened.model.dispose();
    model.model.dispose();
  });

  it('takes what is not there as transformers does', async () => {
    for (const [layout, ...names] of [
      ['falcon-h1', 'mamba_rms_norm', 'mamba_d_head'],
      ['granite-hybrid', 'mamba_d_head', 'num_experts_per_tok'],
    ]) {
      const config = JSON.parse(readFileSync(join(golden, layout, 'config.json'), 'utf8'));
      const {settings} = describeCheckpoint('config.json', config);
      const less = Object.fromEntries(Object.entries(config).filter(([name]) => !names.includes(name)));
      expect(describeCheckpoint('config.json', less).settings, layout).to.deep.equal(settings);
    }
  });

  it('tells its progress in bytes, to the last', async () => {
    const told: ModelProgress[] = [];
    const weights = bytesOf(WEIGHTS);
    const {model} = await fromPretrained(folder(weights), {onProgress: one => told.push(one)});
    model.model.dispose();
    expect(told.length).to.be.above(tensors.length);
    expect(told.every(({total}) => total === weights.length)).to.equal(true);
    expect(told.at(-1)?.loaded).to.equal(weights.length);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const opening = fromPretrained(folder(bytesOf(WEIGHTS)), {
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('enough')),
    });
    expect(String(await opening.catch(reason => reason))).to.equal('Error: enough');
  });

  it('opens files of a page, and an address', async () => {
    const expected = await logitsOf(folder(bytesOf(WEIGHTS)));
    const files = readdirSync(mamba.folder).map(path => ({
      path: `tiny/${path}`,
      file: new Blob([bytesOf(path)]),
    }));
    expect(await logitsOf(files)).to.deep.equal(expected);
    const server = await serveModel(folder(bytesOf(WEIGHTS)));
    try {
      expect(await logitsOf(server.address)).to.deep.equal(expected);
      // A page for every address that the server does not know, as of single-page applications.
      server.pages = true;
      const {model, tokenizer, chatTemplate} = await fromPretrained(server.address);
      expect([tokenizer, chatTemplate]).to.deep.equal([undefined, undefined]);
      model.model.dispose();
      const error = await fromPretrained(`${server.address}/elsewhere`).catch(reason => reason);
      expect(String(error)).to.include('there is no config.json, so this is no model of Hugging Face');
    } finally {
      server.close();
    }
  });
});
