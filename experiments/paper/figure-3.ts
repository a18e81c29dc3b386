// Figure 3: perplexity of language models against their size and against the time of training.

import {perplexityText} from '../../eval/table.js';
import {linePlot} from '../../plot/line-plot.js';
import {panelPlot} from '../../plot/panel-plot.js';
import type {MeasuredRun, PaperExperiment, PaperReport} from './experiment.js';
import {gridRuns} from './grid.js';
import type {LanguageScale} from './language-sizes.js';
import {
  languagePoints,
  languageSizes,
  languageTraining,
  languageContestants as models,
  quickSize,
  regularised,
} from './language-sizes.js';
import {margin, marginWords, summaries, summaryWords} from './summary.js';

const {['4m']: s4, ['16m']: s16, ['40m']: s40, ['130m']: s130} = languageSizes;

/** Equal tokens for all: 1,400 updates of 16 x 1,024, 23 million. Products in float16, which cost no loss (training-halves). */
const full: LanguageScale = {
  sizes: {'4m': s4, '16m': s16, '40m': s40, '130m': s130},
  context: 1024,
  model: {...regularised.model, precision: 'float16'},
  train: {
    ...languageTraining,
    ...regularised.train,
    steps: 1400,
    batch: 16,
    evalEvery: 350,
    evalSamples: 128,
  },
  rates: [6e-4, 1.5e-3],
  seeds: [1, 2, 3],
};

const quick: LanguageScale = {
  sizes: {quick: quickSize},
  context: 64,
  train: {...languageTraining, steps: 20, batch: 4, evalEvery: 20, evalSamples: 8, checkpointEvery: 20},
  rates: [3e-3],
  seeds: [1],
};

const PANEL = 'text';

/** The paper's form, and the one whose SSM is also output through a projection of its own. */
const isBmojo = (model: string): boolean => model === 'bmojo' || model === 'bmojo-projected';

/** Seconds that the updates took at the speed of the first run that has one; NaN where none has. */
function secondsOf(runs: readonly MeasuredRun[]): number {
  const {config, tokensPerSecond = Number.NaN} =
    runs.find(run => run.tokensPerSecond !== undefined) ?? runs[0];
  const {batch, steps} = config.train;
  return (batch * steps * Number(config.data.context)) / tokensPerSecond;
}

function report(runs: readonly MeasuredRun[]): PaperReport {
  const all = summaries(runs, 'smaller');
  const rows = all.map(summary => {
    const [{result}] = summary.runs;
    const seconds = secondsOf(summary.runs);
    return [
      summary.size,
      summary.model,
      String(result.parameters),
      summaryWords(summary, 4),
      perplexityText(Math.exp(summary.mean)),
      Number.isFinite(seconds) ? seconds.toPrecision(3) : '-',
      String(summary.values.length),
      String(summary.rate),
    ];
  });
  const margins = all.flatMap(own =>
    isBmojo(own.model)
      ? all
          .filter(other => other.size === own.size && !isBmojo(other.model))
          .flatMap(other => {
            const ahead = margin(own, other);
            return ahead === undefined ? [] : [[own.size, own.model, other.model, marginWords(ahead, 4)]];
          })
      : [],
  );
  const draw = (title: string, xLabel: string, x: (runs: readonly MeasuredRun[]) => number): string =>
    linePlot({
      title,
      xLabel,
      yLabel: 'perplexity',
      xScale: 'log',
      yScale: 'log',
      markers: true,
      series: models.map(name => ({
        name,
        points: all
          .filter(({model}) => model === name)
          .map(summary => [x(summary.runs), Math.exp(summary.mean)] as const)
          .sort(([a], [b]) => a - b),
      })),
    });
  return {
    finding:
      margins.length === 0
        ? "No run of B'MOJO has a run of another model beside it yet."
        : `Held-out loss of B'MOJO's forms less that of others, nats a token: ${margins.map(([size, own, name, words]) => `${size} ${own} beside ${name} ${words}`).join(', ')}.`,
    tables: [
      {
        caption: 'Held-out loss, mean and standard deviation over seeds, at the best rate',
        rows: [
          ['size', 'model', 'parameters', 'loss', 'perplexity', 'seconds of training', 'seeds', 'rate'],
          ...rows,
        ],
      },
      ...(margins.length === 0
        ? []
        : [
            {
              caption: "Loss of a form of B'MOJO less that of the other, mean and standard error (seeds)",
              rows: [['size', 'form', 'beside', 'difference'], ...margins],
            },
          ]),
    ],
    figures: Object.fromEntries(all.map(({model, size, mean}) => [`${model}.${size}`, mean.toFixed(4)])),
    notes: [
      'Products are computed in float16 where the device has matrix units for it. All models of a size see the same tokens in the same order; the rate is chosen by the same held-out loss. Seconds count updates alone, at the speed of the first seed that was trained with no other run beside it (--jobs 1).',
    ],
    plot: panelPlot(
      [
        draw('perplexity by parameters', 'parameters', ([{result}]) => result.parameters),
        ...(all.some(({runs: own}) => Number.isFinite(secondsOf(own)))
          ? [draw('perplexity by time', 'seconds of training', secondsOf)]
          : []),
      ],
      2,
    ),
  };
}

export const figure3: PaperExperiment = {
  name: 'figure-3',
  title: 'Figure 3 of the paper: perplexity against parameters and time',
  section: 'Language',
  claim:
    "At every size B'MOJO's perplexity is below Mamba's and about the Transformer's, and it reaches it in less time.",
  models,
  panels: [PANEL],
  sizes: [...Object.keys(full.sizes), ...Object.keys(quick.sizes)],
  needsText: true,
  plan: options => {
    const scale = options.quick ? quick : full;
    return gridRuns(languagePoints(PANEL, models, scale, options.data ?? ''), options, scale);
  },
  report,
};
