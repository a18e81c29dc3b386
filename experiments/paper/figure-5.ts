// Figure 5: perplexity on texts far longer than the samples that a model was trained on.

import {closeData, openData} from '../../data/files/index.js';
import {meanWithError} from '../../eval/mean-with-error.js';
import {evaluatePerplexity} from '../../eval/perplexity.js';
import type {ModelConfig} from '../../models/config.js';
import {asLanguageModel} from '../../models/create.js';
import type {ModelSize} from '../../models/sizes.js';
import {linePlot} from '../../plot/line-plot.js';
import {withOrigin} from '../../plot/origin.js';
import {panelPlot} from '../../plot/panel-plot.js';
import {loadSequenceModel} from '../run.js';
import type {RunFolder} from '../run-folder.js';
import type {MeasuredRun, PaperExperiment, PaperOptions, PaperReport} from './experiment.js';
import type {GridPoint} from './grid.js';
import {gridRuns} from './grid.js';
import {
  languageModel,
  languageSizes,
  languageTraining,
  languageContestants as models,
  quickSize,
  regularised,
} from './language-sizes.js';
import type {LossByLength} from './loss-by-length.js';
import type {Margin} from './summary.js';
import {marginWords, summaries} from './summary.js';

interface Scale {
  readonly size: ModelSize;
  /** Settings that all models share. */
  readonly model: Partial<ModelConfig>;
  /** Tokens of a training sample. */
  readonly contexts: readonly number[];
  /** Updates on one stretch of text with the memory carried over. */
  readonly segments: number;
  /** Lengths of what stands before the scored tokens, as multiples of the context. */
  readonly times: readonly number[];
  readonly targets: number;
  readonly windows: number;
  readonly tokens: number;
  readonly train: object;
  readonly rates: readonly number[];
  readonly seeds: readonly number[];
}

const full: Scale = {
  size: languageSizes['16m'],
  model: {...regularised.model, precision: 'float16'},
  contexts: [512, 2048],
  segments: 8,
  times: [0.5, 1, 2, 4, 8, 16, 32, 64],
  targets: 256,
  windows: 16,
  tokens: 2 ** 13,
  train: {...languageTraining, ...regularised.train, steps: 3000, evalEvery: 500, evalSamples: 64},
  rates: [1e-3],
  seeds: [1, 2, 3],
};

const quick: Scale = {
  size: quickSize,
  model: {},
  contexts: [32],
  segments: 2,
  times: [0.5, 1, 2, 4],
  targets: 16,
  windows: 2,
  tokens: 128,
  train: {...languageTraining, steps: 12, evalEvery: 12, evalSamples: 4, checkpointEvery: 12},
  rates: [3e-3],
  seeds: [1],
};

const panelOf = (context: number): string => `trained at ${context}`;
const CARRIED = 'carried';
const PLAIN = 'plain';
const wayWords = {[CARRIED]: 'memory carried over', [PLAIN]: 'each sample alone'} as const;

/** Every kind plain and with its memory carried over, but for the Transformer, whose memory has no bounds to carry it within. */
function points({size, model, contexts, segments, tokens, train}: Scale, data: string): GridPoint[] {
  return contexts.flatMap(context =>
    models.flatMap(name =>
      [PLAIN, ...(name === 'transformer' ? [] : [CARRIED])].map(way => ({
        panel: panelOf(context),
        model: name,
        size: way,
        task: 'lm',
        data: {data, context, segments: way === CARRIED ? segments : 1},
        settings: {...languageModel(size, name), ...model},
        train: {...train, batch: Math.max(1, Math.round(tokens / context))},
      })),
    ),
  );
}

async function measure(folder: RunFolder, options: PaperOptions): Promise<LossByLength> {
  const {times, targets, windows} = options.quick ? quick : full;
  const context = Number(folder.config.data.context);
  const {model} = await loadSequenceModel(folder);
  const data = openData(String(folder.config.data.data));
  try {
    const prefixes = times.map(factor => Math.round(factor * context) - (factor <= 1 ? targets : 0));
    const {
      windows: counted,
      reference,
      byPrefix,
    } = await evaluatePerplexity(asLanguageModel(model), data.valid, {
      prefixes: [...new Set(prefixes.filter(prefix => prefix >= 0))].sort((a, b) => a - b),
      targets,
      windows,
      batch: 1,
      trained: context,
    });
    const points = byPrefix.map(({prefix, loss, change, windowLosses}) => ({
      prefix,
      loss,
      change,
      windowLosses,
    }));
    return {windows: counted, reference, points};
  } finally {
    closeData(data);
    model.model.dispose();
  }
}

const label = ({model, size}: Pick<MeasuredRun, 'model' | 'size'>): string =>
  size === CARRIED ? `${model}, carried` : model;

/** The runs of a model that was trained one way, each of another seed. */
interface Line {
  readonly panel: string;
  readonly model: string;
  readonly size: string;
  readonly context: number;
  readonly runs: readonly MeasuredRun[];
  /** Those that were measured after, ascending. */
  readonly prefixes: readonly number[];
}

function linesOf(all: readonly MeasuredRun[]): Line[] {
  return summaries(all, 'smaller').map(({panel, model, size, runs}) => {
    const measured = runs.flatMap(({lengths}) => (lengths?.points ?? []).map(({prefix}) => prefix));
    const prefixes = [...new Set(measured)].sort((a, b) => a - b);
    return {panel, model, size, context: Number(runs[0].config.data.context), runs, prefixes};
  });
}

/** The change after a prefix: mean and error over seeds, of a single one over its windows. */
function changeAt({runs}: Line, prefix: number): Margin {
  const found = runs.flatMap(({lengths}) =>
    (lengths?.points ?? [])
      .filter(point => point.prefix === prefix)
      .map(({change}) => ({...change, pairs: lengths?.windows ?? 0})),
  );
  return found.length === 1 ? found[0] : {...meanWithError(found.map(({mean}) => mean)), pairs: found.length};
}

const COUNTED = 'mean and standard error (seeds; windows of a single one)';

function report(all: readonly MeasuredRun[]): PaperReport {
  const lines = linesOf(all);
  const rows = lines.flatMap(({panel, runs}) =>
    runs.flatMap(run =>
      (run.lengths?.points ?? []).map(({prefix, loss, change}) => [
        panel,
        label(run),
        String(run.config.train.seed),
        String(prefix),
        loss.toFixed(4),
        prefix === run.lengths?.reference
          ? 'reference'
          : marginWords({...change, pairs: run.lengths?.windows ?? 0}, 4),
      ]),
    ),
  );
  const longest = lines.flatMap(line => {
    const last = line.prefixes.at(-1);
    return last === undefined ? [] : [{line, last, change: changeAt(line, last)}];
  });
  const told = longest.map(
    ({line, last, change}) => `${label(line)} ${line.panel} ${marginWords(change, 3)} at ${last}`,
  );
  return {
    finding: `Change of the loss with the longest prefix, nats a token, ${COUNTED}: ${told.join(', ')}.`,
    tables: [
      {
        caption: `Change of the loss of the same tokens by what stands before them, nats a token, ${COUNTED}`,
        rows: [
          ['trained', 'model', 'tokens before', 'change'],
          ...lines.flatMap(line =>
            line.prefixes.map(prefix => [
              line.panel,
              label(line),
              String(prefix),
              marginWords(changeAt(line, prefix), 4),
            ]),
          ),
        ],
      },
      {
        caption: 'Seed by seed: loss of the same tokens after prefixes of several lengths',
        rows: [['trained', 'model', 'seed', 'tokens before', 'loss', 'change (windows)'], ...rows],
      },
    ],
    figures: Object.fromEntries(
      longest.map(({line: {model, size, context}, change}) => [
        `${model}.${size}.${context}`,
        change.mean.toFixed(4),
      ]),
    ),
    notes: [
      'Windows share no tokens; each is read from a fresh memory. The change is against the longest prefix that fits a training sample.',
    ],
    plot: panelPlot(
      [...new Set(lines.map(({panel}) => panel))].flatMap(panel =>
        ([PLAIN, CARRIED] as const).flatMap(way => {
          const own = lines.filter(line => line.panel === panel && line.size === way);
          return own.length === 0 ? [] : [drawn(`${panel}, ${wayWords[way]}`, own)];
        }),
      ),
      2,
    ),
  };
}

function drawn(title: string, lines: readonly Line[]): string {
  return linePlot(
    withOrigin({
      title,
      xLabel: 'tokens before the scored ones',
      yLabel: 'change of the loss, nats a token',
      markers: true,
      marks: [{x: lines[0].context, words: 'trained'}],
      series: lines.map(line => {
        const changes = line.prefixes.map(prefix => changeAt(line, prefix));
        return {
          name: line.model,
          points: changes.map(({mean}, i) => [line.prefixes[i], mean] as const),
          errors: changes.map(({error}) => error),
        };
      }),
    }),
  );
}

export const figure5: PaperExperiment = {
  name: 'figure-5',
  title: 'Figure 5 of the paper: length, far beyond the trained context',
  section: 'Length',
  claim:
    "Perplexity of B'MOJO does not rise, and can fall, on texts several times as long as its training samples, where the Transformer's breaks.",
  models,
  panels: full.contexts.concat(quick.contexts).map(panelOf),
  sizes: [PLAIN, CARRIED],
  needsText: true,
  plan: options => {
    const scale = options.quick ? quick : full;
    return gridRuns(points(scale, options.data ?? ''), options, scale);
  },
  measure,
  report,
};
