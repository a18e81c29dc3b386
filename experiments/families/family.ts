// What the command line, run folders and reports know of a workload.

import type {Schema, Settings} from '../../config/schema.js';
import type {Backbone} from '../../data/task.js';
import type {LanguageReport} from '../../eval/language.js';
import type {RecallReport} from '../../eval/recall.js';
import type {Cell} from '../../eval/table.js';
import type {SequenceModel} from '../../models/create.js';
import type {LanguageModel} from '../../models/language-model.js';
import type {LinePlot} from '../../plot/line-plot.js';
import type {Workload} from '../../train/workload.js';
import type {RunConfig} from '../run-config.js';
import type {RunResult} from '../run-result.js';

/** What an evaluation found; recall and language measure different things. */
export type Report = RecallReport | LanguageReport;

/** Whether a report is of language (loss, perplexity, bits per byte) and not of recall. */
export function isLanguageReport(report: Report): report is LanguageReport {
  return 'perplexity' in report;
}

/** One line of metrics.jsonl: the numbers of a step, or what an evaluation found after it. */
export interface MetricsLine {
  readonly step: number;
  readonly loss?: number;
  readonly accuracy?: number;
  readonly rate?: number;
  readonly gradientNorm?: number;
  /** Products in float16: the factor of the loss, and steps skipped so far. */
  readonly lossScale?: number;
  readonly skippedSteps?: number;
  /** When, in seconds since 1970. */
  readonly time?: number;
  /** Tokens trained on in a second since the line before; evaluations and checkpoints do not count. */
  readonly tokensPerSecond?: number;
  readonly evaluated?: Report;
}

/** A workload with its data at hand. */
export interface OpenWorkload {
  readonly workload: Workload<SequenceModel>;
  evaluate(model: SequenceModel): Promise<Report>;
  /** Tokens of a held-out sample, at which the model's memories are looked at; absent where it has none. */
  readonly sample?: Int32Array;
  /** A text that the model writes, to look at. */
  write?(model: LanguageModel): Promise<string>;
  /** Tokens of one sample, for which results give the bytes of state. */
  readonly stateLength: number;
  close(): void;
}

/** A finished run in a comparison. */
export interface ComparedRun {
  readonly name: string;
  readonly result: RunResult;
  readonly evaluations: readonly {readonly step: number; readonly report: Report}[];
}

/** A model of a comparison at its best rate: one run for each seed. */
export interface ComparedModel {
  /** The model, and what else differs between those compared. */
  readonly name: string;
  readonly runs: readonly ComparedRun[];
}

/** What a family's comparisons go by. */
export interface Headline {
  readonly name: string;
  readonly better: 'larger' | 'smaller';
  value(report: Report): number;
  words(value: number): string;
}

/** A kind of workload with its settings: what the command line, run folders and reports know of it. */
export interface WorkloadFamily {
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  readonly schema: Schema;
  /** Settings of models and training that differ from the schemas' defaults. */
  readonly modelDefaults: Readonly<Record<string, unknown>>;
  readonly trainDefaults: Readonly<Record<string, unknown>>;
  /** Learning rates that `bmojo compare` tries unless told otherwise. */
  readonly rates: string;
  /** Command lines for `--help`, behind `bmojo train NAME`, and what they do. */
  readonly examples: readonly (readonly [string, string])[];
  /** Checks the data settings of a new run and fills in what follows from the data. Errors: SettingError and others. */
  completeData(data: Settings<Schema>): Settings<Schema>;
  vocabSize(data: Settings<Schema>): number;
  /** What kind of model the data ask for. Default causal. */
  backbone?(data: Settings<Schema>): Backbone | undefined;
  open(config: RunConfig): OpenWorkload;
  /** What the user of a new run should know about its data and settings. */
  notice?(config: RunConfig): string | undefined;
  /** What the user of a run should know of an evaluation that says little was learned, and what helps. */
  advice?(report: Report, config: RunConfig): string | undefined;
  /** Files that a run folder carries beside its own. */
  keepFiles?(config: RunConfig, folder: string): void;
  /** Refuses data that do not go with these files when a run goes on. Errors: TokenFileError and others. */
  checkFiles?(config: RunConfig, folder: string): void;
  /** Smaller is better. */
  score(report: Report): number;
  curve(title: string, lines: readonly MetricsLine[], config: RunConfig): LinePlot;
  /** The figure by which models are compared. */
  readonly headline: Headline;
  /** Further columns of comparisons: headings, and the cells of a model. */
  readonly columns: readonly string[];
  cells(model: ComparedModel, config: RunConfig): Cell[];
  /** Further plots of a comparison, by the name of their file. */
  plots?(models: readonly ComparedModel[], config: RunConfig): Readonly<Record<string, LinePlot>>;
}
