// Figure 2: associative recall against the bytes of state, and against the number of eidetic slots.

import {percent} from '../../eval/table.js';
import type {ModelConfig} from '../../models/config.js';
import {linePlot} from '../../plot/line-plot.js';
import {panelPlot} from '../../plot/panel-plot.js';
import type {Contestant} from './contestants.js';
import {contestant, contestantNames} from './contestants.js';
import type {MeasuredRun, PaperExperiment, PaperReport} from './experiment.js';
import type {GridPoint} from './grid.js';
import {gridRuns} from './grid.js';
import type {Summary} from './summary.js';
import {margin, marginWords, summaries, summaryWords} from './summary.js';

interface Scale {
  readonly length: number;
  readonly window: number;
  readonly vocabSize: number;
  readonly pairs: readonly number[];
  readonly widths: readonly number[];
  readonly slots: readonly number[];
  readonly train: object;
  readonly rates: readonly number[];
  readonly seeds: readonly number[];
}

const full: Scale = {
  length: 256,
  window: 32,
  vocabSize: 512,
  pairs: [16, 32, 64],
  widths: [32, 64, 128],
  slots: [0, 8, 16, 32, 64, 128],
  train: {steps: 4000, batch: 64, ssmRateFactor: 3, evalEvery: 250, evalSamples: 1000, stopAccuracy: 0.995},
  rates: [2e-3, 5e-3],
  seeds: [1, 2, 3],
};

const quick: Scale = {
  length: 32,
  window: 4,
  vocabSize: 32,
  pairs: [2, 4],
  widths: [16],
  slots: [0, 8],
  train: {steps: 60, batch: 16, evalEvery: 30, evalSamples: 64, checkpointEvery: 60},
  rates: [1e-2],
  seeds: [1],
};

const SLOTS = 'slots';
const pairWords = (pairs: number): string => `${pairs} pairs`;
const widthWords = (width: number): string => `D ${width}`;
const slotWords = (slots: number): string => `me ${slots}`;

/** As many slots as there are tokens in the pairs: what a store of all pairs would take. */
const slotsFor = (pairs: number): number => 2 * pairs;

function point(
  {length, window, vocabSize, train}: Scale,
  panel: string,
  name: Contestant,
  {pairs, width, slots}: {pairs: number; width: number; slots: number},
): GridPoint {
  const shared: Partial<ModelConfig> = {layers: 2, dModel: width, window, eideticSlots: slots};
  return {
    panel,
    model: name,
    size: panel === SLOTS ? slotWords(slots) : widthWords(width),
    task: 'mqar',
    data: {length, vocabSize, pairs},
    settings: contestant(name, shared),
    train,
  };
}

function points(scale: Scale): GridPoint[] {
  const {pairs: counts, widths, slots} = scale;
  const most = counts[counts.length - 1];
  const width = widths[widths.length - 1];
  return [
    ...counts.flatMap(pairs =>
      contestantNames.flatMap(name =>
        widths.map(own => point(scale, pairWords(pairs), name, {pairs, width: own, slots: slotsFor(pairs)})),
      ),
    ),
    ...slots.map(me => point(scale, SLOTS, me === 0 ? 'bmojo-f' : 'bmojo', {pairs: most, width, slots: me})),
  ];
}

/** B'MOJO's largest size beside the largest of each other kind that has no more bytes, in words and as cells. */
function beside(all: readonly Summary[], panel: string): {words: string; row: string[]}[] {
  const own = all.filter(summary => summary.panel === panel);
  const bytes = (summary: Summary): number => summary.runs[0].result.stateBytes;
  const largest = own.filter(({model}) => model === 'bmojo').sort((a, b) => bytes(b) - bytes(a))[0];
  if (largest === undefined) return [];
  return contestantNames.flatMap(name => {
    if (name === 'bmojo') return [];
    const others = own.filter(({model}) => model === name).sort((a, b) => bytes(b) - bytes(a));
    const other = others.find(one => bytes(one) <= bytes(largest)) ?? others[others.length - 1];
    const ahead = other && margin(largest, other);
    if (ahead === undefined) return [];
    const words = marginWords(ahead, 1, 100);
    const cells = [panel, name, String(bytes(other)), String(bytes(largest)), words];
    return [{words: `${words} points over ${name}`, row: cells}];
  });
}

function report(runs: readonly MeasuredRun[]): PaperReport {
  const all = summaries(runs, 'larger');
  const panels = [...new Set(all.map(({panel}) => panel))];
  const margins = panels.filter(panel => panel !== SLOTS).flatMap(panel => beside(all, panel));
  const rows = all.map(summary => [
    summary.panel,
    summary.model,
    summary.size,
    String(summary.runs[0].result.stateBytes),
    `${summaryWords(summary, 1, 100)} %`,
    String(summary.values.length),
    String(summary.rate),
  ]);
  const plots = panels.map(panel => {
    const own = all.filter(summary => summary.panel === panel);
    const at = ({runs: [{result, config}]}: Summary): number =>
      panel === SLOTS ? config.model.eideticSlots : result.stateBytes;
    const lines = panel === SLOTS ? ['bmojo'] : contestantNames;
    return linePlot({
      title: panel === SLOTS ? "B'MOJO by eidetic slots" : panel,
      xLabel: panel === SLOTS ? 'eidetic slots' : 'bytes of state',
      yLabel: 'accuracy',
      xScale: panel === SLOTS ? 'linear' : 'log',
      yRange: [0, 1],
      markers: true,
      series: lines.map(name => {
        const line = own.filter(({model}) => panel === SLOTS || model === name).sort((a, b) => at(a) - at(b));
        return {
          name,
          points: line.map(summary => [at(summary), summary.mean] as const),
          errors: line.map(({deviation}) => deviation),
        };
      }),
    });
  });
  const best = all.filter(({model, panel}) => model === 'bmojo' && panel !== SLOTS);
  return {
    finding:
      margins.length === 0
        ? 'Too few runs have finished to set models side by side.'
        : `B'MOJO beside models of no more bytes of state, where there are such: ${panels
            .filter(panel => panel !== SLOTS)
            .flatMap(panel => {
              const words = margins.filter(({row}) => row[0] === panel).map(one => one.words);
              return words.length === 0 ? [] : [`${panel}: ${words.join(', ')}`];
            })
            .join('; ')}.`,
    tables: [
      {
        caption: 'Accuracy, mean and standard deviation over seeds, at the best rate',
        rows: [['panel', 'model', 'size', 'bytes of state', 'accuracy', 'seeds', 'rate'], ...rows],
      },
      ...(margins.length === 0
        ? []
        : [
            {
              caption:
                "B'MOJO's largest size beside the largest of each kind of no more bytes of state (the smallest, where all have more): points of accuracy, mean and standard error (seeds)",
              rows: [
                ['panel', 'beside', 'its bytes', "B'MOJO's bytes", 'difference'],
                ...margins.map(({row}) => row),
              ],
            },
          ]),
    ],
    figures: Object.fromEntries(
      best.map(summary => [
        `bmojo.${summary.panel.replace(' ', '-')}.${summary.size.replace(' ', '')}`,
        percent(summary.mean),
      ]),
    ),
    notes: [
      'A training ends early where 99.5 % of the held-out answers are right; the rate is chosen by the same answers. Chance is one in the number of values; guessing among the pairs gives one in their number.',
    ],
    plot: panelPlot(plots, 2),
  };
}

export const figure2: PaperExperiment = {
  name: 'figure-2',
  title: 'Figure 2 of the paper: recall against bytes of state, and against slots',
  section: 'Recall',
  claim:
    "With equal memory B'MOJO recalls more pairs than B'MOJO-F, both more than hybrids, and Mamba least; accuracy rises with the number of eidetic tokens.",
  models: contestantNames,
  panels: [...new Set([...full.pairs, ...quick.pairs].map(pairWords)), SLOTS],
  sizes: [
    ...new Set(
      [full, quick].flatMap(({widths, slots}) => [...widths.map(widthWords), ...slots.map(slotWords)]),
    ),
  ],
  needsText: false,
  plan: options => {
    const scale = options.quick ? quick : full;
    return gridRuns(points(scale), options, scale);
  },
  report,
};
