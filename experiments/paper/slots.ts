// What the eidetic slots are worth: which tokens they keep, how the fading memory predicts, and how many there are.

import {linePlot} from '../../plot/line-plot.js';
import {panelPlot} from '../../plot/panel-plot.js';
import type {MeasuredRun, PaperExperiment, PaperReport} from './experiment.js';
import type {GridPoint} from './grid.js';
import {gridRuns} from './grid.js';
import type {LanguageScale} from './language-sizes.js';
import {languageModel, languageSizes, languageTraining, quickSize} from './language-sizes.js';
import type {RecallMixture} from './recall-mixture.js';
import {quickRecallMixture, recallMixture, trainedOn} from './recall-mixture.js';
import type {Summary} from './summary.js';
import {headline, margin, marginWords, summaries, summaryWords} from './summary.js';

/** What each kind of slots changes in B'MOJO's. */
const kinds = {
  innovation: {},
  latest: {eideticRule: 'latest'},
  chance: {eideticRule: 'chance'},
  'key-norm': {eideticRule: 'key-norm'},
  'span-1': {innovationSpan: 1},
  'span-16': {innovationSpan: 16},
  overlap: {eideticOverlap: true},
} as const;

type Kind = keyof typeof kinds;

const names = Object.keys(kinds) as Kind[];
const OWN: Kind = 'innovation';

interface Scale {
  readonly recall: {
    readonly mixture: RecallMixture;
    readonly dModel: number;
    readonly rate: number;
  };
  readonly text: Pick<LanguageScale, 'context' | 'train'> & {
    readonly size: keyof typeof textSizes;
    readonly rate: number;
  };
  /** Slots at which kinds are set side by side, in recall and on text. */
  readonly at: readonly [number, number];
  /** Slots by which the layer's own kind is measured. */
  readonly sweep: readonly number[];
  readonly seeds: readonly number[];
}

const textSizes = {'4m': languageSizes['4m'], quick: quickSize} as const;

const full: Scale = {
  // The width and rate at which B'MOJO learned the mixture with each seed that was tried.
  recall: {mixture: recallMixture, dModel: 32, rate: 3e-3},
  text: {
    size: '4m',
    context: 1024,
    train: {...languageTraining, steps: 1000, batch: 16, evalEvery: 500, evalSamples: 128},
    rate: 1.5e-3,
  },
  at: [64, 64],
  sweep: [0, 8, 16, 32, 64, 128, 256],
  seeds: [1, 2, 3],
};

const quick: Scale = {
  recall: {mixture: quickRecallMixture, dModel: 16, rate: 1e-2},
  text: {
    size: 'quick',
    context: 64,
    train: {...languageTraining, steps: 8, batch: 4, evalEvery: 8, evalSamples: 4, checkpointEvery: 8},
    rate: 3e-3,
  },
  at: [8, 8],
  sweep: [0, 8],
  seeds: [1],
};

const RECALL = 'recall';
const TEXT = 'text';
const slotWords = (slots: number): string => `me ${slots}`;

/** B'MOJO with slots of a kind, and B'MOJO-F where there are none. */
const withSlots = (kind: Kind, eideticSlots: number): object => ({
  ...(eideticSlots === 0 ? {preset: 'bmojo-f'} : {preset: 'bmojo', ...kinds[kind]}),
  eideticSlots,
});

/** Each kind at the same number of slots, and the layer's own at every number. */
function slotsOf(sweep: readonly number[], at: number): {kind: Kind; slots: number}[] {
  return [
    ...names.map(kind => ({kind, slots: at})),
    ...sweep.filter(slots => slots !== at).map(slots => ({kind: OWN, slots})),
  ];
}

function points({recall, text, at, sweep}: Scale, data: string): {point: GridPoint; rate: number}[] {
  const [inRecall, onText] = at;
  const {mixture, dModel} = recall;
  return [
    ...slotsOf(sweep, inRecall).map(({kind, slots}) => ({
      point: {
        panel: RECALL,
        model: kind,
        size: slotWords(slots),
        settings: {layers: 2, dModel, window: mixture.window, ...withSlots(kind, slots)},
        ...trainedOn(mixture),
      },
      rate: recall.rate,
    })),
    ...slotsOf(sweep, onText).map(({kind, slots}) => ({
      point: {
        panel: TEXT,
        model: kind,
        size: slotWords(slots),
        task: 'lm',
        data: {data, context: text.context, crossBorders: true},
        settings: {...languageModel(textSizes[text.size], 'bmojo'), ...withSlots(kind, slots)},
        train: text.train,
      },
      rate: text.rate,
    })),
  ];
}

const panels = [
  {panel: RECALL, digits: 1, scale: 100, unit: '%', better: 'larger'},
  {panel: TEXT, digits: 4, scale: 1, unit: 'nats', better: 'smaller'},
] as const;

/** Slots of the runs of a summary. */
const slotsIn = ({runs: [{config}]}: Summary): number => config.model.eideticSlots;

function report(runs: readonly MeasuredRun[]): PaperReport {
  const found = panels.map(one => ({
    ...one,
    all: summaries(
      runs.filter(({panel}) => panel === one.panel),
      one.better,
      headline,
    ),
  }));
  const margins = found.flatMap(({panel, digits, scale, unit, all}) =>
    all.flatMap(own => {
      const slots = all.find(other => other.model === OWN && slotsIn(other) === slotsIn(own));
      const ahead = own.model === OWN || slots === undefined ? undefined : margin(own, slots);
      return ahead === undefined
        ? []
        : [[panel, own.model, own.size, `${marginWords(ahead, digits, scale)} ${unit}`]];
    }),
  );
  return {
    finding:
      margins.length === 0
        ? 'Too few runs have finished to set kinds of slots side by side.'
        : `Beside slots by innovation: ${margins.map(([panel, kind, , words]) => `${panel}, ${kind} ${words}`).join('; ')}.`,
    tables: [
      {
        caption:
          'Accuracy of recall in per cent, held-out loss of text in nats a token; mean and standard deviation over seeds',
        rows: [
          ['panel', 'slots keep', 'slots', 'accuracy or loss', 'seeds'],
          ...found.flatMap(({digits, scale, all}) =>
            all.map(own => [
              own.panel,
              own.model,
              String(slotsIn(own)),
              summaryWords(own, digits, scale),
              String(own.values.length),
            ]),
          ),
        ],
      },
      ...(margins.length === 0
        ? []
        : [
            {
              caption: 'Less that of slots by innovation, as many: mean and standard error (seeds)',
              rows: [['panel', 'slots keep', 'slots', 'difference'], ...margins],
            },
          ]),
    ],
    figures: Object.fromEntries(
      found.flatMap(({panel, digits, scale, all}) =>
        all.map(own => [`${panel}.${own.model}.${slotsIn(own)}`, (scale * own.mean).toFixed(digits)]),
      ),
    ),
    notes: [
      'Recall is of the numbers of pairs of figure 2, each as often, after one training on its mixture.',
      'Span: fading tokens averaged to predict the next one, 4 where nothing else is said. Overlap: stored tokens may lie inside the window too.',
    ],
    plot: panelPlot(
      found
        .filter(({all}) => all.length > 0)
        .map(({panel, scale, unit, all}) =>
          linePlot({
            title: `${panel}: slots by innovation`,
            xLabel: 'eidetic slots',
            yLabel: panel === RECALL ? `accuracy, ${unit}` : `held-out loss, ${unit} a token`,
            markers: true,
            series: names
              .map(name => ({name, own: all.filter(({model}) => model === name)}))
              .filter(({own}) => own.length > 0)
              .map(({name, own}) => {
                const line = [...own].sort((a, b) => slotsIn(a) - slotsIn(b));
                return {
                  name,
                  points: line.map(one => [slotsIn(one), scale * one.mean] as const),
                  errors: line.map(({deviation}) =>
                    deviation === undefined ? undefined : scale * deviation,
                  ),
                };
              }),
          }),
        ),
      2,
    ),
  };
}

export const slots: PaperExperiment = {
  name: 'slots',
  title: 'Eidetic slots: which tokens they keep, and how many there are',
  section: 'Recall',
  claim:
    'Tokens that the fading memory cannot predict are those worth keeping; more of them recall more. Tested here: other rules at as many slots, and the settings of this one.',
  models: names,
  panels: [RECALL, TEXT],
  sizes: [...new Set([full, quick].flatMap(({at, sweep}) => [...at, ...sweep]))].map(slotWords),
  needsText: true,
  plan: options => {
    const scale = options.quick ? quick : full;
    return points(scale, options.data ?? '').flatMap(({point, rate}) =>
      gridRuns([point], options, {rates: [rate], seeds: scale.seeds}),
    );
  },
  report,
};
