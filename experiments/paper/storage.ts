// Memory in storage: recall far beyond the trained length, beside the other memories, and what is worth storing.

import {createRowSearch} from '../../custom-ops/exact-search/row-search.js';
import {ModelWithStore} from '../../eval/model-with-store.js';
import {memoryInProcess} from '../../memory/index.js';
import type {ModelConfig} from '../../models/config.js';
import {presets} from '../../models/config.js';
import {asLanguageModel} from '../../models/create.js';
import {memoryFormat} from '../../models/session-memory.js';
import {loadSequenceModel} from '../run.js';
import type {RunFolder} from '../run-folder.js';
import type {PaperExperiment, PaperOptions} from './experiment.js';
import type {GridPoint} from './grid.js';
import {gridRuns} from './grid.js';
import {keeping, keptRuleNames} from './kept-tokens.js';
import type {RecallByLength, RecallPoint} from './recall-by-length.js';
import type {Part, RecallOnOptions} from './recall-on.js';
import {recallOn} from './recall-on.js';
import {storageReport} from './storage-report.js';

interface Scale {
  readonly panel: string;
  readonly models: readonly StorageContestant[];
  /** Training parts with their weights: few pairs near the start of what is wanted come first. */
  readonly parts: string;
  readonly trained: Part;
  readonly measured: readonly Part[];
  /** Of these a store that keeps a share of the tokens is asked too. */
  readonly bounded: Part;
  /** Tokens that a measurement reads, at least one sequence. */
  readonly tokens: number;
  /** Attention over all of the past is not measured beyond. */
  readonly fullAttentionLimit: number;
  readonly vocabSize: number;
  readonly filler: 'zero' | 'distinct';
  readonly dModel: number;
  readonly window: number;
  readonly slots: number;
  readonly batch: number;
  readonly train: object;
  readonly rates: readonly number[];
  readonly seeds: readonly number[];
}

const K = 8;
const SHARE = 0.25;

/** What each model is beside the shared settings. */
const models = {
  storage: ({window}: Scale) => ({...presets['bmojo-f'], preset: 'bmojo-f', window, storage: K}),
  slots: ({window, slots}: Scale) => ({preset: 'bmojo', window, eideticSlots: slots}),
  'bmojo-f': ({window}: Scale) => ({...presets['bmojo-f'], preset: 'bmojo-f', window}),
  mamba: () => ({...presets.mamba, preset: 'mamba'}),
  transformer: () => ({...presets.transformer, preset: 'transformer'}),
} as const satisfies Record<string, (scale: Scale) => Partial<ModelConfig>>;

type StorageContestant = keyof typeof models;

const names = Object.keys(models) as StorageContestant[];

const gpu: Scale = {
  panel: 'trained at 512',
  models: names,
  parts: '64x4:3,128x8:2,256x16:2,256x32:1,512x64:1,512x100:1',
  trained: '512x100',
  measured: ['512x100', '1024x256', '4096x256', '16384x1000', '65536x1000', '1048576x1000'],
  bounded: '4096x256',
  tokens: 2 ** 18,
  fullAttentionLimit: 16384,
  vocabSize: 2048,
  filler: 'zero',
  dModel: 128,
  window: 32,
  slots: 200,
  batch: 64,
  train: {steps: 1500, evalEvery: 500, evalSamples: 64},
  rates: [3e-3, 5e-3],
  seeds: [1, 2, 3],
};

const twoCores: Scale = {
  panel: 'trained at 64',
  models: names,
  parts: '16x2:3,32x4:2,64x4:2,64x8:2',
  trained: '64x8',
  measured: ['64x8', '256x32', '1024x64', '4096x64'],
  bounded: '1024x64',
  tokens: 2 ** 14,
  fullAttentionLimit: 4096,
  vocabSize: 256,
  filler: 'zero',
  dModel: 64,
  window: 8,
  slots: 16,
  batch: 32,
  train: {steps: 2500, evalEvery: 500, evalSamples: 256},
  rates: [3e-3],
  seeds: [1, 2, 3],
};

/** Where fillers look like keys: what is worth storing has to be found. */
const fillers: Scale = {
  ...twoCores,
  panel: 'trained at 128 among fillers',
  models: ['storage'],
  parts: '16x2:3,32x4:2,64x8:2,128x8:2',
  trained: '128x8',
  measured: ['128x8', '256x16', '512x32', '1024x64'],
  bounded: '512x32',
  filler: 'distinct',
};

const quick: Scale = {
  ...twoCores,
  panel: 'trained at 16',
  parts: '16x2:1',
  trained: '16x2',
  measured: ['16x2', '64x4'],
  bounded: '64x4',
  tokens: 256,
  vocabSize: 32,
  dModel: 16,
  window: 4,
  slots: 4,
  batch: 16,
  train: {steps: 12, evalEvery: 12, evalSamples: 16, checkpointEvery: 12},
  seeds: [1],
};

const scales = [gpu, twoCores, fillers];

function points(scale: Scale): GridPoint[] {
  const {panel, models: own, parts, trained, vocabSize, filler, dModel, batch, train} = scale;
  return own.map(name => ({
    panel,
    model: name,
    size: `D ${dModel}`,
    task: 'mqar-mixture',
    data: {vocabSize, parts, testParts: trained, block: batch, filler},
    settings: {layers: 2, dModel, heads: 2, ...models[name](scale)},
    train: {...train, batch},
  }));
}

function scaleOf({config, path}: RunFolder, {quick: isQuick}: PaperOptions): Scale {
  const found = isQuick ? quick : scales.find(({parts}) => parts === config.data.parts);
  if (found === undefined) throw new Error(`storage: ${path} is no run of this experiment`);
  return found;
}

/** Values are asked for after any distance. */
const asked = (part: Part, tokens: number): RecallOnOptions => ({
  samples: Math.max(1, Math.floor(tokens / Number(part.split('x')[0]))),
  batch: 16,
  powerA: 1,
});

async function measureRecall(folder: RunFolder, options: PaperOptions): Promise<RecallByLength> {
  const scale = scaleOf(folder, options);
  const {model} = await loadSequenceModel(folder);
  try {
    const isBound = model.config.preset === 'transformer';
    const measured: RecallPoint[] = [];
    for (const part of scale.measured) {
      if (isBound && Number(part.split('x')[0]) > scale.fullAttentionLimit) continue;
      measured.push(await recallOn(model, folder, part, asked(part, scale.tokens)));
    }
    if (model.config.storage === 0) return {points: measured};
    const own = asLanguageModel(model);
    const weights = folder.path;
    const quota = Math.floor(SHARE * Number(scale.bounded.split('x')[0]));
    const rowSearch = await createRowSearch();
    for (const kept of keptRuleNames) {
      const store = memoryInProcess(memoryFormat(own, {weights}), {quota, rowSearch});
      try {
        const reading = new ModelWithStore(own, {store: keeping(store, kept), weights});
        measured.push({
          ...(await recallOn(reading, folder, scale.bounded, asked(scale.bounded, scale.tokens))),
          kept,
        });
      } finally {
        await store.close();
      }
    }
    return {points: measured};
  } finally {
    model.model.dispose();
  }
}

export const storage: PaperExperiment = {
  name: 'storage',
  title: 'Memory in storage: recall beyond the trained length, and what is worth storing',
  section: 'Storage',
  claim:
    'It names eidetic memory in storage, which outgrows the layer, as a fourth memory, and measures none. Tested here: a layer that retrieves from storage recalls at many times the length that it was trained on, where every other memory comes to chance; and a store of a quarter of the tokens does best with those of largest innovation.',
  models: names,
  panels: [...scales, quick].map(({panel}) => panel),
  sizes: [...new Set([...scales, quick].map(({dModel}) => `D ${dModel}`))],
  needsText: false,
  plan: options =>
    (options.quick ? [quick] : scales).flatMap(scale => gridRuns(points(scale), options, scale)),
  measureRecall,
  report: runs => storageReport(runs, {share: SHARE, most: K}),
};
