// Figure 4: the time of a training step at the paper's sizes.

import {linePlot} from '../../plot/line-plot.js';
import type {Contestant} from './contestants.js';
import type {MeasuredRun, PaperExperiment, PaperReport} from './experiment.js';
import {gridRuns} from './grid.js';
import type {LanguageScale} from './language-sizes.js';
import {languagePoints, languageSizes, languageTraining, quickSize} from './language-sizes.js';
import type {Summary} from './summary.js';
import {summaries, summaryWords} from './summary.js';

const models: readonly Contestant[] = ['transformer', 'mamba', 'bmojo'];
const PANEL = 'time';

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
  const sizes = [...new Set(all.map(({size}) => size))];
  const find = (size: string, name: string): Summary | undefined =>
    all.find(one => one.size === size && one.model === name);
  const ratio = (size: string, name: string): number | undefined => {
    const [own, other] = [find(size, 'bmojo'), find(size, name)];
    return own && other && own.mean / other.mean;
  };
  const ratios = sizes.flatMap(size =>
    models.flatMap(name => {
      const times = name === 'bmojo' ? undefined : ratio(size, name);
      return times === undefined ? [] : [{size, name, times}];
    }),
  );
  return {
    finding:
      ratios.length === 0
        ? "No run of B'MOJO has a run of another model beside it yet."
        : `A step of B'MOJO takes ${ratios.map(({size, name, times}) => `${times.toFixed(2)} x that of ${name} at ${size}`).join(', ')}.`,
    tables: [
      {
        caption:
          'Training steps: median over the steps after the first, mean and standard deviation over seeds',
        rows: [
          ['size', 'model', 'parameters', 'ms a step', 'tokens/s', 'seeds', "B'MOJO's step, times this"],
          ...all.map(one => [
            one.size,
            one.model,
            String(parametersOf(one)),
            summaryWords(one, 1),
            ((1000 * tokensOf(one.runs[0])) / one.mean).toFixed(0),
            String(one.values.length),
            one.model === 'bmojo' ? '-' : (ratio(one.size, one.model)?.toFixed(2) ?? '-'),
          ]),
        ],
      },
    ],
    figures: Object.fromEntries(ratios.map(({size, name, times}) => [`${name}.${size}`, times.toFixed(2)])),
    notes: ['Blocks are recomputed for the gradient at every size, so that all fit one card.'],
    plot: linePlot({
      title: 'time of a training step',
      xLabel: 'parameters',
      yLabel: 'ms',
      xScale: 'log',
      yScale: 'log',
      markers: true,
      series: models.map(name => ({
        name,
        points: all
          .filter(({model}) => model === name)
          .map(one => [parametersOf(one), one.mean] as const)
          .sort(([a], [b]) => a - b),
      })),
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
  panels: [PANEL],
  sizes: [...Object.keys(full.sizes), ...Object.keys(quick.sizes)],
  needsText: true,
  isTimed: true,
  plan: options => {
    const scale = options.quick ? quick : full;
    return gridRuns(languagePoints(PANEL, models, scale, options.data ?? ''), options, scale);
  },
  report,
};
