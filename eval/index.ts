// Evaluation: accuracy of recall by slice, comparisons, tables and plots.

export type {LinePlot, Series} from '../plot/line-plot.js';
export {linePlot} from '../plot/line-plot.js';
export type {Contestant} from './compare.js';
export {bestOfEach, comparisonPlot, comparisonTable} from './compare.js';
export type {AccuracySlice, RecallOptions, RecallReport} from './recall.js';
export {evaluateRecall} from './recall.js';
export type {ScorableModel} from './scorable.js';
export {markdownTable, textTable} from './table.js';
