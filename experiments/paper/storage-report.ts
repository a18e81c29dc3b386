// What came out of memory in storage: recall by length for each memory, and by what a bounded store keeps.

import {spreadOf} from '../../eval/seeds.js';
import {percent} from '../../eval/table.js';
import {linePlot} from '../../plot/line-plot.js';
import {panelPlot} from '../../plot/panel-plot.js';
import type {MeasuredRun, PaperReport} from './experiment.js';
import type {RecallPoint} from './recall-by-length.js';
import type {Summary} from './summary.js';
import {summaries} from './summary.js';

interface Settings {
  /** Share of the tokens that a bounded store keeps. */
  readonly share: number;
  /** Rows that a query retrieves. */
  readonly most: number;
}

/** Accuracy of a model at a part, over the seeds at its best rate. */
interface Cell {
  readonly length: number;
  readonly mean: number;
  readonly deviation?: number;
}

const ALL = 'all';

/** A panel says at which length its models were trained. */
const trainedLength = (panel: string): number => Number(panel.replace(/\D+/g, ''));

function cellOf(summary: Summary, part: string, kept?: string): Cell | undefined {
  const found = summary.runs.flatMap(({recall}) =>
    (recall?.points ?? []).filter(point => point.part === part && point.kept === kept),
  );
  if (found.length === 0) return undefined;
  return {length: found[0].length, ...spreadOf(found.map(({accuracy}) => accuracy))};
}

const words = (cell: Cell | undefined): string =>
  cell === undefined
    ? ''
    : `${(100 * cell.mean).toFixed(1)}${cell.deviation === undefined ? '' : ` ± ${(100 * cell.deviation).toFixed(1)}`} %`;

const pointsOf = ({runs}: Summary): readonly RecallPoint[] => runs[0].recall?.points ?? [];

function partsOf(own: readonly Summary[]): string[] {
  return [...new Set(own.flatMap(pointsOf).flatMap(({part, kept}) => (kept === undefined ? [part] : [])))];
}

const partWords = (part: string): string => {
  const [length, pairs] = part.split('x');
  return `${Number(length).toLocaleString('en-US')}, ${pairs} pairs`;
};

/** Of a panel: which tokens a store of a share of them keeps, and what is then recalled. */
function keptOf(own: readonly Summary[]): {kept: string; part: string; cell: Cell}[] {
  const storing = own.find(summary => pointsOf(summary).some(({kept}) => kept !== undefined));
  if (storing === undefined) return [];
  const bounded = pointsOf(storing).filter(({kept}) => kept !== undefined);
  const part = bounded[0].part;
  return [undefined, ...bounded.map(({kept}) => kept)].flatMap(kept => {
    const cell = cellOf(storing, part, kept);
    return cell === undefined ? [] : [{kept: kept ?? ALL, part, cell}];
  });
}

function finding(panel: string, own: readonly Summary[], {share}: Settings): string[] {
  const parts = partsOf(own);
  const last = parts.at(-1);
  if (last === undefined) return [];
  const at = own.map(summary => `${summary.model} ${words(cellOf(summary, last)) || 'not measured'}`);
  const kept = keptOf(own).map(({kept: rule, cell}) => `${rule} ${words(cell)}`);
  return [
    `${panel}, over ${partWords(last)}: ${at.join(', ')}.`,
    ...(kept.length === 0
      ? []
      : [`A store of ${percent(share)} of the tokens, by what it keeps: ${kept.join(', ')}.`]),
  ];
}

export function storageReport(runs: readonly MeasuredRun[], settings: Settings): PaperReport {
  const all = summaries(runs, 'larger');
  const panels = [...new Set(all.map(({panel}) => panel))].map(panel => ({
    panel,
    own: all.filter(summary => summary.panel === panel),
  }));
  const tables = panels.flatMap(({panel, own}) => {
    const parts = partsOf(own);
    const kept = keptOf(own);
    return [
      {
        caption: `Accuracy by tokens and pairs of a sequence, ${panel}: mean and standard deviation over seeds, at the best rate`,
        rows: [
          ['model', 'seeds', 'rate', 'bytes of state', ...parts.map(partWords)],
          ...own.map(summary => [
            summary.model,
            String(summary.runs.length),
            String(summary.rate),
            String(summary.runs[0].result.stateBytes),
            ...parts.map(part => words(cellOf(summary, part))),
          ]),
        ],
      },
      ...(kept.length === 0
        ? []
        : [
            {
              caption: `Accuracy over ${partWords(kept[0].part)}, ${panel}, by what a store of ${percent(settings.share)} of the tokens keeps`,
              rows: [['kept', 'accuracy'], ...kept.map(one => [one.kept, words(one.cell)])],
            },
          ]),
    ];
  });
  const measured = panels.flatMap(({panel, own}) =>
    own.flatMap(summary =>
      partsOf([summary]).map(part => [
        `${summary.model}.${trainedLength(panel)}.${part}`,
        percent(cellOf(summary, part)?.mean ?? 0),
      ]),
    ),
  );
  const bounded = panels.flatMap(({panel, own}) =>
    keptOf(own).map(({kept, cell}) => [
      `kept.${trainedLength(panel)}.${kept.replaceAll(' ', '-')}`,
      percent(cell.mean),
    ]),
  );
  return {
    finding: panels.flatMap(({panel, own}) => finding(panel, own, settings)).join(' '),
    tables,
    figures: Object.fromEntries([...measured, ...bounded]),
    notes: [
      `With storage a query retrieves ${settings.most} rows. Questions stand anywhere (in training mostly soon); the bytes of state are those after a sequence of the longest trained length.`,
      'A bounded store is outside the model, and drops what its rule finds worth least whenever it is full; every 4th are the last of each four tokens, among which stand half of the values.',
    ],
    plot: panelPlot(
      panels.map(({panel, own}) => drawn(panel, own)),
      2,
    ),
  };
}

function drawn(panel: string, own: readonly Summary[]): string {
  return linePlot({
    title: panel,
    xLabel: 'tokens of a sequence',
    yLabel: 'accuracy',
    xScale: 'log',
    yRange: [0, 1],
    markers: true,
    marks: [{x: trainedLength(panel), words: 'trained'}],
    series: own.map(summary => {
      const cells = partsOf([summary]).flatMap(part => cellOf(summary, part) ?? []);
      return {
        name: summary.model,
        points: cells.map(({length, mean}) => [length, mean] as const),
        errors: cells.map(({deviation}) => deviation),
      };
    }),
  });
}
