// What models of the size that people run cost here: `write LAYOUT FOLDER` makes a folder of random weights in shards of
// bfloat16, `measure FOLDER BACKEND` opens one in this process and decodes: peak of memory beside the weights, tokens a second.

import {mkdirSync, openSync, writeFileSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

/** Llama's form at the sizes of a model of 360 million parameters, Mamba-2's at those of one of 370. */
export const configs = {
  llama: {
    model_type: 'llama',
    vocab_size: 49_152,
    hidden_size: 960,
    num_hidden_layers: 32,
    num_attention_heads: 15,
    num_key_value_heads: 5,
    intermediate_size: 2560,
    hidden_act: 'silu',
    rms_norm_eps: 1e-5,
    rope_theta: 100_000,
    tie_word_embeddings: true,
  },
  mamba2: {
    model_type: 'mamba2',
    vocab_size: 50_288,
    hidden_size: 1024,
    num_hidden_layers: 48,
    num_heads: 32,
    head_dim: 64,
    n_groups: 1,
    state_size: 128,
    expand: 2,
    conv_kernel: 4,
    tie_word_embeddings: true,
  },
};

const SHARD_BYTES = 400_000_000;
const elements = shape => shape.reduce((product, size) => product * size, 1);

/** Numbers of bfloat16 such that layers neither vanish nor overflow: the upper halves of float32. */
function bfloat16Of(name, shape, random) {
  const value = /norm|\.D$/.test(name)
    ? () => 1
    : name.endsWith('A_log')
      ? () => Math.log(1 + 15 * random.uniform())
      : name.endsWith('dt_bias')
        ? () => -4 + 2 * random.uniform()
        : () => 0.06 * (random.uniform() - 0.5);
  // A block of drawn numbers, repeated: what a number is changes no cost.
  const block = Float32Array.from({length: Math.min(65_521, elements(shape))}, value);
  const upper = Uint16Array.from(new Uint32Array(block.buffer), bits => bits >>> 16);
  const all = new Uint16Array(elements(shape));
  for (let at = 0; at < all.length; at += upper.length) all.set(upper.subarray(0, all.length - at), at);
  return new Uint8Array(all.buffer);
}

export async function write(config, folder, shardBytes = SHARD_BYTES) {
  const {describeCheckpoint} = await import('../dist/models/hugging-face/checkpoint.js');
  const {placeShape} = await import('../dist/models/hugging-face/conversion.js');
  const {placeOf} = await import('../dist/models/hugging-face/matching.js');
  const {encodeHeader} = await import('../dist/formats/safetensors-header.js');
  const {randomStream} = await import('../dist/data/index.js');
  const {layout, checkpoint, parameters} = describeCheckpoint('config.json', config);
  const places = layout.places(checkpoint);
  const tensors = parameters.map(({name, shape}) => {
    const place = placeOf(places, name);
    return {name: place.key, shape: placeShape(place, shape), dtype: 'BF16'};
  });
  const shards = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const own = 2 * elements(tensor.shape);
    if (bytes > 0 && bytes + own > shardBytes) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1).push(tensor);
    bytes += own;
  }
  mkdirSync(folder, {recursive: true});
  const random = randomStream([2026, 11], 0);
  const map = {};
  shards.forEach((shard, i) => {
    const five = number => String(number).padStart(5, '0');
    const path = `model-${five(i + 1)}-of-${five(shards.length)}.safetensors`;
    const file = openSync(join(folder, path), 'w');
    writeSync(file, encodeHeader(shard, {format: 'pt'}));
    for (const {name, shape} of shard) {
      writeSync(file, bfloat16Of(name, shape, random));
      map[name] = path;
    }
  });
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({weight_map: map}));
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config, null, 2));
  return parameters.reduce((sum, {shape}) => sum + elements(shape), 0);
}

const megabytes = bytes => Math.round(bytes / 1e6);

export async function measure(folder, backend, {prompt = 16, tokens = 24} = {}) {
  const {peakMemory} = await import('../dist/bench/peak-memory.js');
  const {DecodingSession, useBackend} = await import('../dist/index.js');
  const {fromPretrained} = await import('../dist/models/node.js');
  await useBackend(backend);
  // With --expose-gc the peak is what opening needs, without garbage that nobody has collected yet.
  const collect = globalThis.gc ?? (() => {});
  collect();
  const before = process.memoryUsage.rss();
  const started = performance.now();
  const {model} = await fromPretrained(folder, {onProgress: () => collect()});
  const seconds = (performance.now() - started) / 1000;
  const held = peakMemory();
  const sizes = model.parameters().map(({variable}) => 4 * variable.size);
  const session = new DecodingSession(model);
  const readAt = performance.now();
  await session.read(Array.from({length: prompt}, (_, i) => 17 * i + 3));
  const read = (performance.now() - readAt) / 1000;
  const times = [];
  for (let token = 0; token < tokens; token++) {
    const at = performance.now();
    await session.write({
      temperature: 0,
      topK: 0,
      topP: 1,
      seed: 1,
      repetitionPenalty: 1,
      repetitionSpan: 64,
    });
    times.push(performance.now() - at);
  }
  const ms = times.slice(4).sort((a, b) => a - b)[Math.floor((tokens - 4) / 2)];
  return {
    backend,
    parameters: model.parameterCount(),
    weightsMB: megabytes(sizes.reduce((sum, size) => sum + size, 0)),
    largestTensorMB: megabytes(Math.max(...sizes)),
    beforeMB: megabytes(before),
    peakOfOpeningMB: megabytes(held),
    peakMB: megabytes(peakMemory()),
    openSeconds: Number(seconds.toFixed(1)),
    promptTokensPerSecond: Number((prompt / read).toFixed(1)),
    msPerToken: Number(ms.toPrecision(3)),
    tokensPerSecond: Number((1000 / ms).toFixed(2)),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [what, first, second] = process.argv.slice(2);
  if (what === 'write' && first in configs && second !== undefined)
    console.log(`${await write(configs[first], second)} parameters in ${second}`);
  else if (what === 'measure' && second !== undefined)
    console.log(JSON.stringify(await measure(first, second)));
  else {
    console.error(
      `usage: node bench/pretrained.mjs write ${Object.keys(configs).join('|')} FOLDER, or measure FOLDER BACKEND`,
    );
    process.exitCode = 2;
  }
}
