// What an evaluation found, complete: words, table, curves, numbers, and the command that made it.

import type {HeatMap} from '../../plot/heat-map.js';
import {heatMap} from '../../plot/heat-map.js';
import type {LinePlot} from '../../plot/line-plot.js';
import {linePlot} from '../../plot/line-plot.js';
import type {MemoryPlot} from '../../plot/memory-plot.js';
import {memoryPlot} from '../../plot/memory-plot.js';
import type {Cell} from '../table.js';
import type {Provenance} from './provenance.js';

/** What one evaluation found, complete: words, table, curves, numbers, and the command that made it. */
export interface EvaluationRecord {
  /** What was measured; the files of further evaluations of the name are numbered. */
  readonly name: string;
  readonly title: string;
  /** What was asked and counted. */
  readonly definition: string;
  /** Where the definition comes from. */
  readonly source: string;
  /** The command that made it. */
  readonly command: string;
  /** Updates of the weights that were measured. */
  readonly step: number;
  /** Absent in records of version 0.1.0. */
  readonly made?: Provenance;
  /** First row: headings. */
  readonly table: readonly (readonly Cell[])[];
  /** Curves, which reports lay over those of other runs. */
  readonly plot?: LinePlot;
  /** Shares over two settings, drawn for each run by itself. */
  readonly map?: HeatMap;
  /** A memory view, drawn for each run by itself. */
  readonly memory?: MemoryPlot;
  /** All numbers. */
  readonly data: unknown;
}

/** The record's picture as SVG, where it has one; drawn from its numbers, so that no file's text becomes markup. */
export function drawingOf({plot, map, memory}: EvaluationRecord): string | undefined {
  if (memory !== undefined) return memoryPlot(memory);
  if (map !== undefined) return heatMap(map);
  return plot === undefined ? undefined : linePlot(plot);
}
