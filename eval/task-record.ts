// The accuracy of one model on variants of a task, as table, plot and numbers.

import {optionName} from '../config/schema.js';
import type {TaskFamily} from '../data/task.js';
import type {HeatMap} from '../plot/heat-map.js';
import type {LinePlot, Series} from '../plot/line-plot.js';
import type {RecallReport} from './recall.js';
import type {EvaluationRecord} from './report/record.js';
import type {Cell} from './table.js';
import {percent} from './table.js';

/** One variant of a task: what was changed, and what the model did. */
export interface TaskVariant {
  /** Settings that vary, by name. */
  readonly settings: Readonly<Record<string, number | string | boolean>>;
  /** Tokens per sample. */
  readonly length: number;
  readonly chance: number;
  /** Bytes of memory that decoding one sample holds. */
  readonly stateBytes: number;
  readonly report: RecallReport;
}

export interface TaskRecordOptions {
  readonly family: TaskFamily;
  readonly variants: readonly TaskVariant[];
  /** Settings of the training data. */
  readonly trained: Readonly<Record<string, unknown>>;
  readonly model: string;
  readonly command: string;
  readonly step: number;
}

function table(variants: readonly TaskVariant[], varied: readonly string[]): Cell[][] {
  const head = ['tokens', 'samples', 'questions', 'accuracy', 'per sample', 'per class', 'all right'];
  return [
    [...varied.map(optionName), ...head, 'beyond windows', 'chance', 'loss', 'state bytes'],
    ...variants.map(({settings, length, chance, stateBytes, report}) => [
      ...varied.map(key => String(settings[key])),
      length,
      report.samples,
      report.queries,
      percent(report.accuracy),
      percent(report.macroAccuracy),
      percent(report.classAccuracy),
      percent(report.exactAccuracy),
      report.beyondReach === undefined || report.beyondReach.queries === 0
        ? '-'
        : percent(report.beyondReach.accuracy),
      percent(chance),
      report.loss.toFixed(3),
      stateBytes,
    ]),
  ];
}

/** The setting along the plot's axis: the only one that varies, when it is a number. */
function axisOf(variants: readonly TaskVariant[], varied: readonly string[]): string | undefined {
  const [key] = varied;
  const numeric = variants.every(({settings}) => typeof settings[key] === 'number');
  return varied.length === 1 && variants.length > 1 && numeric ? key : undefined;
}

/** What tells a variant from the others, by the names of options: `pairs 8, vocab-size 64`. */
export const variantWords = (settings: TaskVariant['settings']): string =>
  Object.entries(settings)
    .map(([key, value]) => `${optionName(key)} ${value}`)
    .join(', ');

function distanceSeries({model, variants}: TaskRecordOptions): Series[] {
  return variants
    .filter(({report}) => report.byDistance.length > 0)
    .map(({settings, report}) => ({
      name: variants.length === 1 ? model : variantWords(settings),
      points: report.byDistance.map(({to, accuracy}) => [to, accuracy] as const),
    }));
}

function plot(options: TaskRecordOptions, varied: readonly string[]): LinePlot | undefined {
  const {family, variants, trained, model} = options;
  const key = axisOf(variants, varied);
  const chances = [...new Set(variants.map(({chance}) => chance))];
  const common = {
    levels: chances.length === 1 ? [{y: chances[0], words: `chance ${percent(chances[0])}`}] : [],
    title: family.name,
    yLabel: 'accuracy',
    xScale: 'log',
    yRange: [0, 1],
    markers: true,
  } as const;
  if (key !== undefined) {
    const at = trained[key];
    const points = variants.map(({settings, report}) => [Number(settings[key]), report.accuracy] as const);
    const marks = typeof at === 'number' ? [{x: at, words: `trained at ${at}`}] : [];
    return {...common, xLabel: optionName(key), marks, series: [{name: model, points}]};
  }
  const series = distanceSeries(options);
  if (series.length === 0) return undefined;
  return {...common, xLabel: 'tokens from the wanted value to the question, at most', series};
}

/** Accuracy over two settings, where just two numbers vary and each takes several values. */
function mapOf({family, variants}: TaskRecordOptions, varied: readonly string[]): HeatMap | undefined {
  const values = varied.map(key => [...new Set(variants.map(({settings}) => Number(settings[key])))]);
  if (values.length !== 2 || values.some(own => own.length < 2 || own.some(Number.isNaN))) return undefined;
  const [columns, rows] = values.map(own => own.sort((a, b) => a - b));
  const at = (column: number, row: number): number =>
    variants.find(
      ({settings}) => Number(settings[varied[0]]) === column && Number(settings[varied[1]]) === row,
    )?.report.accuracy ?? Number.NaN;
  return {
    title: `${family.name}: accuracy, per cent`,
    xLabel: optionName(varied[0]),
    yLabel: optionName(varied[1]),
    columns: columns.map(String),
    rows: rows.map(String),
    panels: [{title: '', values: rows.map(row => columns.map(column => at(column, row)))}],
  };
}

/**
 * The accuracy of a model on variants of a task as a record for reports: a row for each variant, and a curve
 * over the setting that varies or over distances; a map where two vary.
 */
export function taskRecord(options: TaskRecordOptions): EvaluationRecord {
  const {family, variants, command, step} = options;
  const varied = [...new Set(variants.flatMap(({settings}) => Object.keys(settings)))];
  const {name, summary, definition, source} = family;
  return {
    name,
    title: `${name}: ${summary.replace(/^[^:]*: /, '')}`,
    definition,
    source,
    command,
    step,
    table: table(variants, varied),
    plot: plot(options, varied),
    map: mapOf(options, varied),
    data: {variants},
  };
}
