// Evaluation: accuracy of recall by slice, comparisons, tables and plots.

export type {LinePlot, Series} from '../plot/line-plot.js';
export {linePlot} from '../plot/line-plot.js';
export {classAccuracy} from './class-accuracy.js';
export type {Contestant} from './compare.js';
export {bestOfEach, comparisonPlot, comparisonTable} from './compare.js';
export type {LambadaReport} from './lambada.js';
export {evaluateLambada} from './lambada.js';
export type {MadResult, MadScore} from './mad-score.js';
export {madScores, madTable} from './mad-score.js';
export {memoryRecord} from './memory-record.js';
export type {LayerMemory, MemoryView, StoredToken} from './memory-view.js';
export {memoryView} from './memory-view.js';
export type {NeedleTextCell, NeedleTextOptions} from './needle-text.js';
export {evaluateNeedleText} from './needle-text.js';
export type {LossPoint, PerplexityOptions, PerplexityReport} from './perplexity.js';
export {evaluatePerplexity} from './perplexity.js';
export {perplexityRecords} from './perplexity-record.js';
export type {AccuracySlice, RecallOptions, RecallReport} from './recall.js';
export {evaluateRecall} from './recall.js';
export type {ReportedRun} from './report/html.js';
export {htmlReport} from './report/html.js';
export type {EvaluationRecord} from './report/record.js';
export type {ScorableModel, StreamableModel} from './scorable.js';
export {markdownTable, textTable} from './table.js';
export type {TaskVariant} from './task-record.js';
export {taskRecord} from './task-record.js';
