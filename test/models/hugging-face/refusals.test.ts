// What is not read is refused by name, before anything is allocated, and leaves nothing behind.

import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useBackend} from '../../../custom-ops/index.js';
import type {NamedTensorData} from '../../../formats/safetensors.js';
import {decodeSafetensors, encodeSafetensors} from '../../../formats/safetensors.js';
import type {MemoryFolder} from '../../../models/index.js';
import {
  CheckpointImportError,
  fromPretrained,
  ModelFormatError,
  modelInMemory,
} from '../../../models/index.js';
import {tinyBpe} from '../../support/tiny-bpe.js';

const golden = join(import.meta.dirname, '../../../../test/golden/hf');
const WEIGHTS = 'model.safetensors';

function folderOf(name: string): MemoryFolder {
  const store = modelInMemory(name);
  for (const path of readdirSync(join(golden, name)))
    store.files.set(path, new Uint8Array(readFileSync(join(golden, name, path))));
  return store;
}

const text = (value: unknown) => new Uint8Array(new TextEncoder().encode(JSON.stringify(value)));

function configOf({files}: MemoryFolder): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(files.get('config.json')));
}

function changeTensors(
  {files}: MemoryFolder,
  change: (tensors: NamedTensorData[]) => NamedTensorData[],
): void {
  const {tensors} = decodeSafetensors(files.get(WEIGHTS) as Uint8Array);
  files.set(WEIGHTS, new Uint8Array(encodeSafetensors(change([...tensors]))));
}

async function refusal(store: MemoryFolder): Promise<string> {
  const before = memory().numTensors;
  const error = await fromPretrained(store).then(
    () => undefined,
    reason => reason,
  );
  expect(error).to.be.instanceOf(CheckpointImportError);
  expect(memory().numTensors, 'tensors left behind').to.equal(before);
  return error.message;
}

/** Settings of a layout, and what is said of them. */
const settings: readonly (readonly [layout: string, changed: object, words: RegExp])[] = [
  ['llama', {model_type: 'gpt2'}, /model_type must be one of mamba, .*llama.*, got "gpt2"/],
  ['llama', {model_type: undefined}, /model_type must be one of/],
  [
    'llama',
    {quantization_config: {quant_method: 'gptq'}},
    /quantization_config must be missing: weights are read as float32/,
  ],
  ['llama', {hidden_act: 'gelu'}, /hidden_act must be "silu" or "swish", got "gelu"/],
  [
    'llama',
    {rope_parameters: {rope_type: 'llama3', rope_theta: 1e4}},
    /rope_type must be "default", got "llama3"/,
  ],
  [
    'llama',
    {rope_scaling: {type: 'linear', factor: 2}},
    /rope_scaling: type must be "default", got "linear"/,
  ],
  ['llama', {rope_parameters: {partial_rotary_factor: 0.5}}, /partial_rotary_factor must be 1, got 0\.5/],
  ['llama', {partial_rotary_factor: 0.5}, /partial_rotary_factor must be 1, got 0\.5/],
  ['llama', {rope_scaling: {factor: 2}}, /rope_scaling: factor must be 1, got 2/],
  ['llama', {hidden_size: 'wide'}, /hidden_size must be a positive integer, got "wide"/],
  ['llama', {num_hidden_layers: 2 ** 31}, /num_hidden_layers must be at most 1024, got 2147483648/],
  ['qwen3', {num_hidden_layers: 2 ** 31}, /num_hidden_layers must be at most 1024, got 2147483648/],
  ['lfm2', {num_hidden_layers: 2 ** 31}, /num_hidden_layers must be at most 1024, got 2147483648/],
  ['granite-hybrid', {num_hidden_layers: 2 ** 31}, /num_hidden_layers must be at most 1024, got 2147483648/],
  ['llama', {vocab_size: 2 ** 40}, /vocab_size must be at most 16777216, got 1099511627776/],
  ['falcon-h1', {mamba_d_state: 2 ** 40}, /mamba_d_state must be at most 16777216, got 1099511627776/],
  ['llama', {num_key_value_heads: 3}, /num_key_value_heads must be a divisor of the 4 query heads, got 3/],
  [
    'llama',
    {head_dim: null, num_attention_heads: 3, num_key_value_heads: 3},
    /num_attention_heads must be a divisor of hidden_size 32 where there is no head_dim, got 3/,
  ],
  ['qwen3', {head_dim: 7}, /head_dim must be such that heads have an even width, not 7/],
  ['llama', {rms_norm_eps: -1}, /rms_norm_eps must be a number from 0 to 1, got -1/],
  // The norm of step sizes, B and C has no weights that would be of no use without it.
  ['falcon-mamba', {mixer_rms_eps: 0}, /mixer_rms_eps must be above 0, got 0/],
  ['qwen3', {rms_norm_eps: 0}, /rms_norm_eps must be above 0, got 0/],
  ['granite-hybrid', {rms_norm_eps: 0}, /rms_norm_eps must be above 0, got 0/],
  ['lfm2', {norm_eps: 0}, /norm_eps must be above 0, got 0/],
  ['mamba2', {layer_norm_epsilon: 0}, /layer_norm_epsilon must be above 0, got 0/],
  ['llama', {rope_parameters: {rope_theta: 0}}, /rope_parameters: rope_theta must be a number from 1 to/],
  [
    'granite-hybrid',
    {logits_scaling: 0},
    /logits_scaling must be of a size from 1e-12 to 1000000000000, got 0/,
  ],
  ['granite-hybrid', {embedding_multiplier: 1e300}, /embedding_multiplier must be of a size from/],
  ['falcon-h1', {lm_head_multiplier: 0}, /lm_head_multiplier must be of a size from/],
  ['falcon-h1', {ssm_multipliers: [1, 1, 0, 1, 1]}, /ssm_multipliers must be of a size from/],
  ['granite-hybrid', {mamba_expand: -1}, /mamba_expand must be such that it makes a width from 1 to/],
  ['falcon-mamba', {expand: 1e300}, /expand must be such that it makes a width from 1 to/],
  ['mamba2', {head_dim: 3}, /head_dim must be a divisor of the inner width 64, got 3/],
  ['mamba2', {n_groups: 3}, /n_groups must be a divisor of the 8 heads, got 3/],
  ['llama', {tie_word_embeddings: 'yes'}, /tie_word_embeddings must be true or false/],
  ['qwen3', {use_sliding_window: true}, /use_sliding_window must be false, got true/],
  [
    'qwen3',
    {layer_types: ['full_attention', 'sliding_attention']},
    /layer_types must be full_attention throughout/,
  ],
  ['lfm2', {layer_types: ['conv', 'conv', 'moe', 'conv']}, /layer_types must be conv or full_attention/],
  ['lfm2', {theta: 5, rope_parameters: {rope_theta: 7}}, /theta must be 7, got 5/],
  ['lfm2', {layer_types: ['conv']}, /layer_types must be a list of 4 entries/],
  ['falcon-mamba', {expand: 3}, /intermediate_size must be 96, got 64/],
  ['mamba2', {time_step_limit: [0, 0.1]}, /time_step_limit must be/],
  // Defaults of transformers, where a setting is not there.
  ['lfm2', {num_key_value_heads: undefined}, /num_key_value_heads must be a divisor of the 4 query heads/],
  ['qwen3', {num_key_value_heads: undefined}, /num_key_value_heads must be a divisor of the 4 query heads/],
  ['falcon-h1', {num_key_value_heads: undefined}, /num_key_value_heads must be a divisor of the 4 query/],
  ['granite-hybrid', {num_local_experts: undefined}, /num_local_experts must be 0, got nothing/],
  [
    'falcon-h1',
    {mamba_rms_norm: true, mamba_norm_before_gate: undefined},
    /mamba_norm_before_gate must be false where gated outputs are normed/,
  ],
  ['granite-hybrid', {position_embedding_type: 'alibi'}, /position_embedding_type must be "rope" or "nope"/],
  ['granite-hybrid', {num_local_experts: 8}, /num_local_experts must be 0, got 8/],
  ['llama', {eos_token_id: 'end'}, /eos_token_id must be a token id or a list of them, got "end"/],
];

describe('fromPretrained refuses', () => {
  before(() => useBackend('cpu'));

  for (const [layout, changed, words] of settings) {
    it(`${layout} with ${JSON.stringify(changed)}`, async () => {
      const store = folderOf(layout);
      store.files.set('config.json', text({...configOf(store), ...changed}));
      store.files.delete('generation_config.json');
      expect(await refusal(store)).to.match(words);
    });
  }

  it('no config.json, one that is no object, one of a huge model without the memory for it', async () => {
    const store = folderOf('llama');
    store.files.set('config.json', text({...configOf(store), vocab_size: 2 ** 24, hidden_size: 2 ** 16}));
    expect(await refusal(store)).to.match(
      /embed_tokens.weight must be a tensor \[16777216, 65536\], got \[61,32\]/,
    );
    store.files.set('config.json', text([]));
    expect(await refusal(store)).to.match(/config.json: it must be an object/);
    store.files.delete('config.json');
    expect(await refusal(store)).to.match(/there is no config.json/);
  });

  it('a tensor that is missing, misshapen, of no use, or not finite', async () => {
    const missing = folderOf('llama');
    changeTensors(missing, tensors => tensors.slice(1));
    expect(await refusal(missing)).to.match(
      /model\.embed_tokens\.weight must be a tensor \[61, 32\], got nothing/,
    );
    const extra = folderOf('llama');
    changeTensors(extra, tensors => [...tensors, {...tensors[1], name: 'model.layers.9.mlp.gate.weight'}]);
    expect(await refusal(extra)).to.match(/without tensors that llama does not have, got "model\.layers\.9/);
    const infinite = folderOf('llama');
    changeTensors(infinite, tensors =>
      tensors.map((one, i) => (i === 3 ? {...one, data: one.data.map(() => Number.NaN)} : one)),
    );
    expect(await refusal(infinite)).to.match(/model\.safetensors: .*not finite/);
  });

  it('a tensor under its older and its present name', async () => {
    const store = folderOf('mamba2');
    changeTensors(store, tensors => {
      const table = tensors.find(({name}) => name === 'backbone.embeddings.weight');
      return table === undefined ? [] : [...tensors, {...table, name: 'backbone.embedding.weight'}];
    });
    expect(await refusal(store)).to.match(/backbone\.embeddings\.weight must be there once, got "it and/);
  });

  it('a head that is said to be the embedding and is another', async () => {
    const store = folderOf('llama');
    changeTensors(store, ([table, ...rest]) => [{...table, name: 'lm_head.weight'}, table, ...rest]);
    const {model} = await fromPretrained(store);
    model.model.dispose();
    changeTensors(store, ([head, ...rest]) => [{...head, data: head.data.map(value => value + 1)}, ...rest]);
    expect(await refusal(store)).to.match(/lm_head\.weight must be equal to the embedding/);
  });

  it('a text without an end', async () => {
    const store = folderOf('llama');
    const piece = new Uint8Array(2 ** 22).fill(0x20);
    async function* endless() {
      for (;;) yield piece;
    }
    for (const path of ['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json']) {
      const read: MemoryFolder['read'] = async (asked, options) =>
        asked === path ? endless() : store.read(asked, options);
      const error = await fromPretrained({...store, read}).catch(reason => reason);
      expect(error).to.be.instanceOf(ModelFormatError);
      expect(error.message).to.include(`${path} must be a text of at most 134217728 bytes, it has more`);
    }
  });

  it('a file that was cut off, and weights of another format', async () => {
    const cut = folderOf('llama');
    cut.files.set(WEIGHTS, (cut.files.get(WEIGHTS) as Uint8Array<ArrayBuffer>).slice(0, -4));
    expect(await refusal(cut)).to.match(/model\.safetensors: .*the file has/);
    const unknown = {...cut, size: async () => undefined};
    expect(await refusal(unknown)).to.match(/model\.safetensors ends before its last tensor does/);
    const pointer = folderOf('llama');
    const words = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123\n';
    pointer.files.set(WEIGHTS, new TextEncoder().encode(words));
    expect(await refusal(pointer)).to.match(
      /model\.safetensors is a pointer of Git LFS, not the file; fetch/,
    );
    const pickled = folderOf('llama');
    pickled.files.set('pytorch_model.bin', pickled.files.get(WEIGHTS) as Uint8Array<ArrayBuffer>);
    pickled.files.delete(WEIGHTS);
    expect(await refusal(pickled)).to.match(/must be in safetensors, got pytorch_model\.bin/);
    pickled.files.delete('pytorch_model.bin');
    expect(await refusal(pickled)).to.match(/neither model\.safetensors nor model\.safetensors\.index\.json/);
  });

  it('an index that names a file outside, a missing one, or another than holds the tensor', async () => {
    const name = 'mamba-variants/sharded';
    const index = 'model.safetensors.index.json';
    const changed = (change: (map: Record<string, string>) => object): MemoryFolder => {
      const store = folderOf(name);
      const {weight_map: map} = JSON.parse(new TextDecoder().decode(store.files.get(index)));
      store.files.set(index, text({weight_map: change(map)}));
      return store;
    };
    const [first] = Object.keys(JSON.parse(readFileSync(join(golden, name, index), 'utf8')).weight_map);
    expect(await refusal(changed(map => ({...map, [first]: '../x.safetensors'})))).to.match(
      /must be the name of a safetensors file beside it/,
    );
    expect(await refusal(changed(map => ({...map, [first]: 'other.safetensors'})))).to.match(
      /other\.safetensors is missing/,
    );
    expect(await refusal(changed(map => ({...map, 'another.weight': map[first]})))).to.match(
      /another\.weight is not in/,
    );
    expect(await refusal(changed(({[first]: _, ...map}) => map))).to.match(/which is listed nowhere/);
  });

  it('a tokenizer with more ids than the model', async () => {
    const store = folderOf('llama');
    store.files.set('tokenizer.json', text(tinyBpe()));
    expect(await refusal(store)).to.match(/tokenizer\.json: the vocabulary must be of at most the 61 ids/);
  });
});
