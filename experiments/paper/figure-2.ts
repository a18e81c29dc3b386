// Figure 2: associative recall against the bytes of state, and against the number of eidetic slots.

import {percent} from '../../eval/table.js';
import type {ModelConfig} from '../../models/config.js';
import {linePlot} from '../../plot/line-plot.js';
import {panelPlot} from '../../plot/panel-plot.js';
import {loadSequenceModel} from '../run.js';
import type {RunFolder} from '../run-folder.js';
import type {Contestant} from './contestants.js';
import {contestant, contestantNames} from './contestants.js';
import type {MeasuredRun, PaperExperiment, PaperOptions, PaperReport} from './experiment.js';
import type {GridPoint} from './grid.js';
import {gridRuns} from './grid.js';
import type {RecallByLength, RecallPoint} from './recall-by-length.js';
import type {RecallMixture} from './recall-mixture.js';
import {quickRecallMixture, recallMixture, trainedOn} from './recall-mixture.js';
import {recallOn} from './recall-on.js';
import type {Summary} from './summary.js';
import {margin, marginWords, summaries, summaryWords} from './summary.js';

interface Scale {
  readonly mixture: RecallMixture;
  /** Held-out samples of each part. */
  readonly samples: number;
  readonly widths: readonly number[];
  /** Slots where widths are swept. */
  readonly slotsByWidth: number;
  /** Width where slots are swept. */
  readonly widthBySlots: number;
  readonly slots: readonly number[];
  readonly rates: readonly number[];
  readonly seeds: readonly number[];
}

/** One training serves all panels. */
const full: Scale = {
  mixture: recallMixture,
  samples: 1024,
  widths: [32, 64, 128],
  slotsByWidth: 64,
  widthBySlots: 64,
  slots: [0, 8, 16, 32, 64, 128],
  rates: [1e-3, 3e-3],
  seeds: [1, 2, 3],
};

const quick: Scale = {
  mixture: quickRecallMixture,
  samples: 64,
  widths: [16],
  slotsByWidth: 8,
  widthBySlots: 16,
  slots: [0, 8],
  rates: [1e-2],
  seeds: [1],
};

const RECALL = 'recall';
const SLOTS = 'slots';
const widthWords = (width: number): string => `D ${width}`;
const slotWords = (slots: number): string => `me ${slots}`;
const partWords = (part: string): string => `${part.split('x')[1]} pairs`;

/** Kinds whose state is so small that a model of twice the largest width stands beside B'MOJO's. */
const small: readonly Contestant[] = ['window', 'mamba', 'hybrid'];

function widthsOf({widths}: Scale, name: Contestant): readonly number[] {
  return small.includes(name) ? [...widths, 2 * widths[widths.length - 1]] : widths;
}

function point(
  {mixture}: Scale,
  panel: string,
  name: Contestant,
  {width, slots}: {width: number; slots: number},
): GridPoint {
  const shared: Partial<ModelConfig> = {
    layers: 2,
    dModel: width,
    window: mixture.window,
    eideticSlots: slots,
  };
  return {
    panel,
    model: name,
    size: panel === SLOTS ? slotWords(slots) : widthWords(width),
    settings: contestant(name, shared),
    ...trainedOn(mixture),
  };
}

function points(scale: Scale): GridPoint[] {
  return [
    ...contestantNames.flatMap(name =>
      widthsOf(scale, name).map(width => point(scale, RECALL, name, {width, slots: scale.slotsByWidth})),
    ),
    ...scale.slots.map(slots =>
      point(scale, SLOTS, slots === 0 ? 'bmojo-f' : 'bmojo', {width: scale.widthBySlots, slots}),
    ),
  ];
}

async function measureRecall(folder: RunFolder, options: PaperOptions): Promise<RecallByLength> {
  const {mixture, samples} = options.quick ? quick : full;
  const {measured, batch} = mixture;
  const {model} = await loadSequenceModel(folder);
  try {
    const found: RecallPoint[] = [];
    for (const part of measured) found.push(await recallOn(model, folder, part, {samples, batch}));
    return {points: found};
  } finally {
    model.model.dispose();
  }
}

/** A run once for each part that it was measured on, with the part's panel in place of its own. */
function byPart(runs: readonly MeasuredRun[]): MeasuredRun[] {
  const parts = [...new Set(runs.flatMap(({recall}) => (recall?.points ?? []).map(({part}) => part)))];
  return parts.flatMap(part =>
    runs.flatMap(run => {
      const recall = {points: (run.recall?.points ?? []).filter(one => one.part === part)};
      const words = partWords(part);
      return recall.points.length === 0
        ? []
        : [{...run, recall, panel: run.panel === SLOTS ? `${SLOTS}, ${words}` : words}];
    }),
  );
}

/** Of a run of {@link byPart}. */
function accuracyOf({name, recall}: MeasuredRun): number {
  const [measured] = recall?.points ?? [];
  if (measured === undefined) throw new Error(`figure-2: ${name} was not measured`);
  return measured.accuracy;
}

/** B'MOJO's best size beside the best of each other kind that has no more bytes (the smallest, where all have more), in words and as cells. */
function beside(all: readonly Summary[], panel: string): {words: string; row: string[]}[] {
  const bytes = (summary: Summary): number => summary.runs[0].result.stateBytes;
  const best = (some: readonly Summary[]): Summary | undefined =>
    [...some].sort((a, b) => b.mean - a.mean || bytes(a) - bytes(b))[0];
  const inPanel = all.filter(summary => summary.panel === panel);
  const own = best(inPanel.filter(({model}) => model === 'bmojo'));
  if (own === undefined) return [];
  return contestantNames.flatMap(name => {
    if (name === 'bmojo') return [];
    const others = inPanel.filter(({model}) => model === name).sort((a, b) => bytes(a) - bytes(b));
    const other = best(others.filter(one => bytes(one) <= bytes(own))) ?? others[0];
    const ahead = other && margin(own, other);
    if (ahead === undefined) return [];
    const words = marginWords(ahead, 1, 100);
    const cells = [panel, own.size, String(bytes(own)), name, other.size, String(bytes(other)), words];
    return [{words: `${words} points over ${name}`, row: cells}];
  });
}

function report(runs: readonly MeasuredRun[]): PaperReport {
  const all = summaries(byPart(runs), 'larger', accuracyOf);
  const isBySlots = (panel: string): boolean => panel.startsWith(SLOTS);
  const panels = [...new Set(all.map(({panel}) => panel))];
  const byWidth = panels.filter(panel => !isBySlots(panel));
  const bySlots = panels.filter(isBySlots);
  const margins = byWidth.flatMap(panel => beside(all, panel));
  const rows = all.map(summary => [
    summary.panel,
    summary.model,
    summary.size,
    String(summary.runs[0].result.stateBytes),
    `${summaryWords(summary, 1, 100)} %`,
    String(summary.values.length),
    String(summary.rate),
  ]);
  const line = (name: string, own: readonly Summary[], at: (summary: Summary) => number) => {
    const ascending = [...own].sort((a, b) => at(a) - at(b));
    return {
      name,
      points: ascending.map(summary => [at(summary), summary.mean] as const),
      errors: ascending.map(({deviation}) => deviation),
    };
  };
  const stateBytes = ({runs: [{result}]}: Summary): number => result.stateBytes;
  const slotsOf = ({runs: [{config}]}: Summary): number => config.model.eideticSlots;
  const shared = {yLabel: 'accuracy', yRange: [0, 1] as const, markers: true};
  const inPanel = (panel: string): Summary[] => all.filter(summary => summary.panel === panel);
  const plots = [
    ...byWidth.map(panel =>
      linePlot({
        ...shared,
        title: panel,
        xLabel: 'bytes of state',
        xScale: 'log',
        series: contestantNames.map(name =>
          line(
            name,
            inPanel(panel).filter(({model}) => model === name),
            stateBytes,
          ),
        ),
      }),
    ),
    ...(bySlots.length === 0
      ? []
      : [
          linePlot({
            ...shared,
            title: "B'MOJO by eidetic slots",
            xLabel: 'eidetic slots',
            xScale: 'linear',
            series: bySlots.map(panel => line(panel.slice(SLOTS.length + 2), inPanel(panel), slotsOf)),
          }),
        ]),
  ];
  const bySize = all.filter(({panel}) => !isBySlots(panel));
  return {
    finding:
      margins.length === 0
        ? 'Too few runs have finished to set models side by side.'
        : `B'MOJO beside models of no more bytes of state, where there are such: ${byWidth
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
                "B'MOJO's best size beside the best of each kind of no more bytes of state (the smallest, where all have more): points of accuracy, mean and standard error (seeds)",
              rows: [
                ['panel', "B'MOJO", 'its bytes', 'beside', 'size', 'its bytes', 'difference'],
                ...margins.map(({row}) => row),
              ],
            },
          ]),
    ],
    figures: Object.fromEntries(
      bySize.map(({model, panel, size, mean}) => [
        `${model}.${panel.replace(' ', '-')}.${size.replace(' ', '')}`,
        percent(mean),
      ]),
    ),
    notes: [
      'One training serves all panels: a mixture of lengths and pairs, which ends early where 99.5 % of the held-out answers are right. Accuracy is of samples that neither training nor that choice has seen; the rate is chosen by them. Chance is one in the number of values; guessing among the pairs gives one in their number.',
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
  panels: [RECALL, SLOTS],
  sizes: [
    ...new Set(
      [full, quick].flatMap(scale => [
        ...small.flatMap(name => widthsOf(scale, name).map(widthWords)),
        ...scale.slots.map(slotWords),
      ]),
    ),
  ],
  needsText: false,
  plan: options => {
    const scale = options.quick ? quick : full;
    return gridRuns(points(scale), options, scale);
  },
  measureRecall,
  report,
};
