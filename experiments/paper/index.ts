// The figures and tables of arXiv 2407.06324 that can be run again.

import type {PaperExperiment} from './experiment.js';
import {figure2} from './figure-2.js';
import {figure3} from './figure-3.js';
import {figure4} from './figure-4.js';
import {figure5} from './figure-5.js';
import {slots} from './slots.js';
import {storage} from './storage.js';
import {storageText} from './storage-text.js';
import {table3} from './table-3.js';

export type {MeasuredRun, PaperExperiment, PaperOptions, PaperReport, PlannedRun} from './experiment.js';

export const paperExperiments: readonly PaperExperiment[] = [
  figure2,
  table3,
  figure3,
  figure4,
  figure5,
  slots,
  storage,
  storageText,
];
