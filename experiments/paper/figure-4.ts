// Figure 4: the time of a training step at the paper's sizes.

import type {Precision} from '../../custom-ops/index.js';
import {linePlot} from '../../plot/line-plot.js';
import type {Contestant} from './contestants.js';
import type {MeasuredRun, PaperExperiment, PaperReport} from './experiment.js';
import {gridRuns} from './grid.js';
import type {LanguageScale} from './language-sizes.js';
import {languagePoints, languageSizes, languageTraining, quickSize} from './language-sizes.js';
import type {Summary} from './summary.js';
import {summaries, summaryWords} from './summary.js';

const models: readonly Contestant[] = ['transformer', 'mamba', 'bmojo'];
/** How products are computed. */
const precisions = ['float32', 'float16'] as const satisfies readonly Precision[];

const {['130m']: s130, ['370m']: s370, ['790m']: s790, ['1.4b']: s1400} = languageSizes;

/** Few steps, each logged; the first, in which kernels are compiled, does not count. */
const timed = {...languageTraining, logEvery: 1, evalEvery: 1_000_000, evalSamples: 1, warmup: 0.5};

const full: LanguageScale = {
  sizes: {'130m': s130, '370m': s370, '790m': s790, '1.4b': s1400},
  context: 2048,
  train: {...timed, steps: 12, batch: 8, recompute: true},
  rates: [1e-4],
  seeds: [1],
};

const quick: LanguageScale = {
  sizes: {quick: quickSize},
  context: 64,
  train: {...timed, steps: 6, batch: 2},
  rates: [1e-4],
  seeds: [1],
};

/** Tokens of a step. */
const tokensOf = ({config}: MeasuredRun): number => config.train.batch * Number(config.data.context);

/** Milliseconds of a step. */
const stepTime = (run: MeasuredRun): number => (1000 * tokensOf(run)) / (run.tokensPerSecond ?? Number.NaN);

const parametersOf = ({runs: [{result}]}: Summary): number => result.parameters;

function report(runs: readonly MeasuredRun[]): PaperReport {
  // A rate changes no time: of several the fastest counts, for all models alike.
  const all = summaries(runs, 'smaller', stepTime);
  const find = ({panel, size}: Summary, name: string): Summary | undefined =>
    all.find(one => one.panel === panel && one.size === size && one.model === name);
  const ratios = all.flatMap(other => {
    const own = other.model === 'bmojo' ? undefined : find(other, 'bmojo');
    return own === undefined ? [] : [{...other, times: own.mean / other.mean}];
  });
  const timesOf = (one: Summary): string =>
    ratios
      .find(({panel, size, model}) => panel === one.panel && size === one.size && model === one.model)
      ?.times.toFixed(2) ?? '-';
  const finding = precisions.flatMap(precision => {
    const own = ratios.filter(({panel}) => panel === precision);
    const words = own.map(({times, model, size}) => `${times.toFixed(2)} x that of ${model} at ${size}`);
    return own.length === 0 ? [] : [`In ${precision} a step of B'MOJO takes ${words.join(', ')}.`];
  });
  return {
    finding: finding.join(' ') || "No run of B'MOJO has a run of another model beside it yet.",
    tables: [
      {
        caption:
          'Training steps: median over the steps after the first, mean and standard deviation over seeds',
        rows: [
          [
            'products in',
            'size',
            'model',
            'parameters',
            'ms a step',
            'tokens/s',
            'seeds',
            "B'MOJO's step, times this",
          ],
          ...all.map(one => [
            one.panel,
            one.size,
            one.model,
            String(parametersOf(one)),
            summaryWords(one, 1),
            ((1000 * tokensOf(one.runs[0])) / one.mean).toFixed(0),
            String(one.values.length),
            timesOf(one),
          ]),
        ],
      },
    ],
    figures: Object.fromEntries(
      ratios.map(({panel, model, size, times}) => [`${model}.${size}.${panel}`, times.toFixed(2)]),
    ),
    notes: [
      'Blocks are recomputed for the gradient at every size, so that all fit one card. No weights are written.',
    ],
    plot: linePlot({
      title: 'time of a training step',
      xLabel: 'parameters',
      yLabel: 'ms',
      xScale: 'log',
      yScale: 'log',
      markers: true,
      series: precisions.flatMap(precision =>
        models.map(name => ({
          name: `${name}, ${precision}`,
          points: all
            .filter(({panel, model}) => panel === precision && model === name)
            .map(one => [parametersOf(one), one.mean] as const)
            .sort(([x], [y]) => x - y),
        })),
      ),
    }),
  };
}

export const figure4: PaperExperiment = {
  name: 'figure-4',
  title: 'Figure 4 of the paper: time of a training step',
  section: 'Language',
  claim:
    "B'MOJO trains up to 10 % faster than Mamba and Transformers of its size, at sizes up to 1.4 billion.",
  models,
  panels: precisions,
  sizes: [...Object.keys(full.sizes), ...Object.keys(quick.sizes)],
  needsText: true,
  isTimed: true,
  plan: options => {
    const scale = options.quick ? quick : full;
    const points = precisions.flatMap(precision =>
      languagePoints(precision, models, scale, options.data ?? '').map(point => ({
        ...point,
        settings: {...point.settings, precision},
      })),
    );
    return gridRuns(points, options, scale);
  },
  report,
};
