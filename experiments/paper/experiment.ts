// What a figure or a table of the paper is here: runs, what is measured of them, and what came out beside what the paper says.

import type {BackendName} from '../../custom-ops/index.js';
import type {ResultSection, ResultTable} from '../kept-results.js';
import type {RunConfig} from '../run-config.js';
import type {RunFolder} from '../run-folder.js';
import type {RunResult} from '../run-result.js';
import type {LossByLength} from './loss-by-length.js';
import type {RecallByLength} from './recall-by-length.js';

/** What a user may choose of an experiment: each narrows it, none changes what a single run is. */
export interface PaperOptions {
  /** The quick form: the same runs, so small that all of them take minutes on two cores; no result of it means anything. */
  readonly quick: boolean;
  readonly backend: BackendName;
  /** Folder made by `bmojo data prepare`, for experiments on text. */
  readonly data?: string;
  /** Models that take part, by their names in the experiment. Default all. */
  readonly models?: readonly string[];
  /** Panels that are drawn. Default all. */
  readonly panels?: readonly string[];
  /** Sizes of models that take part. Default all. */
  readonly sizes?: readonly string[];
  /** Default: those of the experiment. */
  readonly seeds?: readonly number[];
  /** Peak learning rates. Default: those of the experiment. */
  readonly rates?: readonly number[];
}

/** One training of an experiment, and where it stands in it. */
export interface PlannedRun {
  /** Unique in the experiment; the name of its folder. */
  readonly name: string;
  /** Part of the figure, such as a number of pairs. */
  readonly panel: string;
  /** Kind of model: a line of the plot. */
  readonly model: string;
  /** Size of the model within its kind: a point of the line. */
  readonly size: string;
  readonly config: RunConfig;
}

/** Where and when a run was trained, and by what. */
export interface RunOrigin {
  readonly machine: string;
  readonly date: string;
  readonly software: string;
}

/** A finished training. */
export interface MeasuredRun extends PlannedRun {
  readonly origin: RunOrigin;
  readonly result: RunResult;
  /** Median over the steps that were logged, the first left out: the kernels are compiled then. Absent where other runs were trained beside it. */
  readonly tokensPerSecond?: number;
  /** Loss by length, where the experiment asks for it. */
  readonly lengths?: LossByLength;
  /** Recall by length, where the experiment asks for it. */
  readonly recall?: RecallByLength;
}

/** What came out. */
export interface PaperReport {
  /** In a sentence or two, with the margins. */
  readonly finding: string;
  readonly tables: readonly ResultTable[];
  /** Single numbers by name, for documents to quote. */
  readonly figures: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
  /** SVG. */
  readonly plot?: string;
}

/** A figure or a table of arXiv 2407.06324. */
export interface PaperExperiment {
  readonly name: string;
  readonly title: string;
  readonly section: ResultSection;
  /** What the paper says, in our words. */
  readonly claim: string;
  /** Names that `PaperOptions.models`, `panels` and `sizes` may hold. */
  readonly models: readonly string[];
  readonly panels: readonly string[];
  readonly sizes: readonly string[];
  readonly needsText: boolean;
  /** Whether it measures time: one run at a time then. */
  readonly isTimed?: boolean;
  /** Every run. Errors: SettingError for settings that do not go together. */
  plan(options: PaperOptions): PlannedRun[];
  /** Measures a finished run beyond its own evaluation. */
  measure?(folder: RunFolder, options: PaperOptions): Promise<LossByLength>;
  /** As `measure`, for recall. */
  measureRecall?(folder: RunFolder, options: PaperOptions): Promise<RecallByLength>;
  /** From what has finished so far, at least one run. */
  report(runs: readonly MeasuredRun[]): PaperReport;
}
