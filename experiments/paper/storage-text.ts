// Memory in storage on text: a language model with it beside its twin without, far beyond the trained length.

import {closeData, openData} from '../../data/files/index.js';
import {meanWithError} from '../../eval/mean-with-error.js';
import {evaluatePerplexity} from '../../eval/perplexity.js';
import {asLanguageModel} from '../../models/create.js';
import {linePlot} from '../../plot/line-plot.js';
import {loadSequenceModel} from '../run.js';
import type {RunFolder} from '../run-folder.js';
import type {MeasuredRun, PaperExperiment, PaperOptions, PaperReport} from './experiment.js';
import type {GridPoint} from './grid.js';
import {gridRuns} from './grid.js';
import type {LossByLength} from './loss-by-length.js';
import type {Margin} from './summary.js';
import {atBestRate, marginWords} from './summary.js';

interface Scale {
  readonly shape: {
    readonly layers: number;
    readonly dModel: number;
    readonly heads: number;
    readonly window: number;
    readonly eideticSlots: number;
  };
  readonly context: number;
  readonly segments: number;
  readonly prefixes: readonly number[];
  readonly targets: number;
  readonly windows: number;
  readonly train: object;
  readonly rates: readonly number[];
  readonly seeds: readonly number[];
}

/** 7.6 million parameters with a vocabulary of 1,024. */
const full: Scale = {
  shape: {layers: 6, dModel: 256, heads: 4, window: 64, eideticSlots: 16},
  context: 512,
  segments: 16,
  prefixes: [256, 2048, 8192, 32768],
  targets: 256,
  windows: 12,
  train: {steps: 4000, batch: 16, weightDecay: 1, evalEvery: 400, evalSamples: 64},
  rates: [1e-3],
  seeds: [1, 2, 3],
};

const quick: Scale = {
  shape: {layers: 2, dModel: 32, heads: 2, window: 8, eideticSlots: 4},
  context: 32,
  segments: 2,
  prefixes: [16, 64, 256],
  targets: 16,
  windows: 3,
  train: {steps: 8, batch: 4, evalEvery: 8, evalSamples: 4, checkpointEvery: 8},
  rates: [3e-3],
  seeds: [1],
};

const PANEL = 'text';

/** What each model has beside the shared settings. */
const models = {
  without: {},
  storage: {storage: 8},
  'storage-two-layers': {storage: 8, pattern: 'BBR'},
  'storage-other-texts': {storage: 8, storageNegatives: 3},
} as const;

type TextContestant = keyof typeof models;

const names = Object.keys(models) as TextContestant[];
const WITHOUT: TextContestant = 'without';

function points({shape, context, segments, train}: Scale, data: string): GridPoint[] {
  return names.map(name => {
    const {layers} = shape;
    // The quick form has no layers to repeat three letters over.
    const own = 'pattern' in models[name] && layers % 3 !== 0 ? {storage: 8, pattern: 'RR'} : models[name];
    return {
      panel: PANEL,
      model: name,
      size: `D ${shape.dModel}`,
      task: 'lm',
      data: {data, context, segments},
      settings: {preset: 'bmojo' as const, mlp: true, dropout: 0.1, rotaryBase: 100, ...shape, ...own},
      train,
    };
  });
}

async function measure(folder: RunFolder, options: PaperOptions): Promise<LossByLength> {
  const {prefixes, targets, windows} = options.quick ? quick : full;
  const {context, data: path} = folder.config.data;
  const {model} = await loadSequenceModel(folder);
  const data = openData(String(path));
  try {
    const found = await evaluatePerplexity(asLanguageModel(model), data.valid, {
      prefixes,
      targets,
      windows,
      batch: 4,
      trained: Number(context),
    });
    return {
      windows: found.windows,
      reference: found.reference,
      points: found.byPrefix.map(({prefix, loss, change, windowLosses}) => ({
        prefix,
        loss,
        change,
        windowLosses,
      })),
    };
  } finally {
    closeData(data);
    model.model.dispose();
  }
}

/** Losses of each window after a prefix, over the seeds that a model shares with its twin: its own less the twin's. */
function ahead(runs: readonly MeasuredRun[], model: string, prefix: number): Margin | undefined {
  const lossesOf = (run: MeasuredRun | undefined): readonly number[] | undefined =>
    run?.lengths?.points.find(point => point.prefix === prefix)?.windowLosses;
  const pairs = runs
    .filter(run => run.model === model)
    .flatMap(run => {
      const {seed} = run.config.train;
      const twin = runs.find(({model: other, config}) => other === WITHOUT && config.train.seed === seed);
      const [own, others] = [lossesOf(run), lossesOf(twin)];
      return own === undefined || others === undefined ? [] : [own.map((loss, i) => loss - others[i])];
    });
  if (pairs.length === 0) return undefined;
  const byWindow = pairs[0].map((_, i) => pairs.reduce((sum, one) => sum + one[i], 0) / pairs.length);
  return {...meanWithError(byWindow), pairs: byWindow.length};
}

function prefixesOf(runs: readonly MeasuredRun[]): number[] {
  const all = runs.flatMap(({lengths}) => (lengths?.points ?? []).map(({prefix}) => prefix));
  return [...new Set(all)].sort((a, b) => a - b);
}

function report(all: readonly MeasuredRun[]): PaperReport {
  const runs = atBestRate(all, 'smaller');
  const prefixes = prefixesOf(runs);
  const storing = names.filter(name => name !== WITHOUT && runs.some(({model}) => model === name));
  const lossRows = all.map(({model, config, result, lengths}) => [
    model,
    String(config.train.seed),
    String(config.train.rate),
    String(result.parameters),
    ...prefixes.map(prefix => lengths?.points.find(point => point.prefix === prefix)?.loss.toFixed(4) ?? ''),
  ]);
  const cells = storing.map(name => ({
    name,
    margins: prefixes.map(prefix => ({prefix, margin: ahead(runs, name, prefix)})),
  }));
  const written = (found: Margin | undefined): string => (found === undefined ? '' : marginWords(found, 4));
  const told = cells.flatMap(({name, margins}) => {
    const words = margins.flatMap(({prefix, margin}) =>
      margin === undefined ? [] : [`${written(margin)} after ${prefix}`],
    );
    return words.length === 0 ? [] : [`${name}: ${words.join(', ')}`];
  });
  return {
    finding:
      told.length === 0
        ? 'Too few runs have finished to set twins side by side.'
        : `Loss beside the twin without storage, nats a token, standard error (windows): ${told.join('; ')}.`,
    tables: [
      {
        caption: 'Loss of the same tokens after prefixes of several lengths, nats a token',
        rows: [['model', 'seed', 'rate', 'parameters', ...prefixes.map(String)], ...lossRows],
      },
      ...(told.length === 0
        ? []
        : [
            {
              caption:
                'Beside the twin without storage: difference of the loss by tokens before, mean over seeds, standard error (windows)',
              rows: [
                ['model', ...prefixes.map(String)],
                ...cells.map(({name, margins}) => [name, ...margins.map(({margin}) => written(margin))]),
              ],
            },
          ]),
    ],
    figures: Object.fromEntries(
      cells.flatMap(({name, margins}) =>
        margins.flatMap(({prefix, margin}) =>
          margin === undefined
            ? []
            : [[`${name.replace(/\W+/g, '-')}.${prefix}`, marginWords(margin, 4).replace(/ \(.*/, '')]],
        ),
      ),
    ),
    notes: [
      'Twins have the same data and seeds, each at its best rate; windows share no tokens, and each is read from a fresh memory.',
    ],
    plot: linePlot({
      title: 'loss beside the twin without storage',
      xLabel: 'tokens before the scored ones; whiskers: standard error over windows',
      yLabel: 'difference of the loss, nats a token',
      xScale: 'log',
      markers: true,
      series: cells.map(({name, margins}) => {
        const known = margins.flatMap(({prefix, margin}) => (margin === undefined ? [] : [{prefix, margin}]));
        return {
          name,
          points: known.map(({prefix, margin}) => [prefix, margin.mean] as const),
          errors: known.map(({margin}) => margin.error),
        };
      }),
    }),
  };
}

export const storageText: PaperExperiment = {
  name: 'storage-text',
  title: 'Memory in storage on text: beside the twin without, far beyond the trained length',
  section: 'Storage',
  claim:
    'It names eidetic memory in storage as a fourth memory, and measures none. Tested here: a language model that retrieves from storage has a lower loss at long prefixes than its twin without.',
  models: names,
  panels: [PANEL],
  sizes: [full, quick].map(({shape}) => `D ${shape.dModel}`),
  needsText: true,
  plan: options => {
    const scale = options.quick ? quick : full;
    return gridRuns(points(scale, options.data ?? ''), options, scale);
  },
  measure,
  report,
};
