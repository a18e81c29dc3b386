// A memory view as table, drawing and numbers.

import type {LayerMemory, MemoryView} from './memory-view.js';
import {meanShares} from './memory-view.js';
import type {EvaluationRecord} from './report/record.js';
import type {Cell} from './table.js';
import {percent} from './table.js';

export interface MemoryRecordOptions {
  readonly view: MemoryView;
  readonly model: string;
  /** What the sequence is, in words. */
  readonly sequence: string;
  /** What each token says [L]. */
  readonly pieces?: readonly string[];
  readonly command: string;
  readonly step: number;
}

const NAMES = ['in-context', 'fading', 'eidetic', 'storage'] as const;

/** The memories of a view: storage only where a layer has it. */
function namesOf({layers}: MemoryView): string[] {
  const hasStorage = layers.some(({shares}) => shares?.[0]?.[0]?.length === NAMES.length);
  return NAMES.slice(0, hasStorage ? 4 : 3);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

function rows(
  {layer, shares = [], stored, innovation = []}: LayerMemory,
  names: readonly string[],
): Cell[][] {
  const kept = stored ?? [];
  const others = innovation.filter((_, position) => !kept.some(one => one.position === position));
  const heads = shares.map((head, number) => [
    layer,
    number,
    ...names.map((_, memory) => percent(mean(head.map(position => position[memory] ?? 0)))),
  ]);
  const common = [
    kept.length,
    kept.length === 0 ? '-' : mean(kept.map(one => one.innovation)).toPrecision(3),
    others.length === 0 ? '-' : mean(others).toPrecision(3),
  ];
  return heads.length === 0
    ? [[layer, '-', ...names.map(() => '-'), ...common]]
    : heads.map(head => [...head, ...common]);
}

/**
 * A memory view as a record for reports: a table of what each layer stored and where its heads attend, the
 * drawing, and all numbers.
 */
export function memoryRecord({
  view,
  model,
  sequence,
  pieces,
  command,
  step,
}: MemoryRecordOptions): EvaluationRecord {
  const names = namesOf(view);
  return {
    name: 'memory',
    title: 'memory: what is stored, and where attention goes',
    definition:
      `One sequence (${sequence}) passes through the model. Innovation is the distance between a fading token and the running ` +
      'average that predicts it; the tokens of largest innovation are stored. Shares are the parts of the one softmax that fall on ' +
      'the window (in-context), on fading tokens, on stored tokens (eidetic) and, where a layer has it, on what is retrieved from storage.',
    source: "B'MOJO (Zancato et al., NeurIPS 2024, arXiv 2407.06324), Algorithm 1",
    command,
    step,
    table: [
      ['layer', 'head', ...names, 'tokens stored', 'their innovation', 'of others'],
      ...view.layers.flatMap(layer => rows(layer, names)),
    ],
    memory: {
      title: `${model}: memory over ${view.tokens.length} tokens, window ${view.window}`,
      length: view.tokens.length,
      names,
      pieces,
      panels: view.layers.map(layer => ({
        title: `layer ${layer.layer}`,
        innovation: layer.innovation,
        stored: layer.stored,
        shares: layer.shares && meanShares(layer),
      })),
    },
    data: pieces === undefined ? view : {...view, pieces},
  };
}
