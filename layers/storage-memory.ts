// Memory in storage: every query retrieves the tokens that it matches best among all that left the window, and attends to
// them in the same softmax as to the other memories.

import type {Rank, Tensor2D, Tensor4D} from '@tensorflow/tfjs-core';
import {cast, clone, concat, fill, mean, reshape} from '@tensorflow/tfjs-core';
import {refuse} from '../custom-ops/check.js';
import type {ExactSearchOptions} from '../custom-ops/index.js';
import {retrievedAttention} from '../custom-ops/index.js';
import {rotaryTable} from '../custom-ops/rotary-embedding/table.js';
import {SharedTensors} from '../custom-ops/shared-tensors.js';
import type {MixerSettings} from './mixer-schema.js';
import type {PartialSoftmax} from './partial-softmax.js';
import type {AttentionSizes, Rows} from './projections.js';
import {turned} from './projections.js';
import {firstRows, lastRows, latestRows} from './row-layout.js';
import type {StepContext} from './step-context.js';
import type {SearchedRows} from './storage-batch.js';
import {bestOfBatch} from './storage-batch.js';
import type {Entry} from './storage-entry.js';
import {entryOf} from './storage-entry.js';
import type {StorageLayout} from './storage-layout.js';
import type {StorageRows, StorageState} from './storage-state.js';
import {storesUnturned} from './storage-state.js';

/** What a step brings to storage. */
export interface StorageStep {
  /** Queries as {@link StorageMemory.queries} gives them, [B, L, H, Dh]. */
  readonly queries: Tensor4D;
  /** Keys as stored and values: of the recent tokens before the step, then of the new ones, [B, kept + L, G, Dh]. */
  readonly rows: Rows;
  /** Innovation of the same tokens [B, kept + L]; where it decides what enters. */
  readonly scores?: Tensor2D;
}

/** What queries retrieved, and its softmax. */
export interface Retrieval extends PartialSoftmax {
  /**
   * Rows retrieved by each query and key head, int32 [B, L, G, K], -1 where there were fewer; with n other sequences searched
   * [B, L, G, (n + 1) K], of which K at most are rows.
   */
  readonly found: Tensor4D;
}

export interface StorageResult {
  /** Absent where no query of the step has a token in storage. */
  readonly retrieval?: Retrieval;
  /** Memory after the step, where it is asked for. */
  readonly state?: StorageState;
}

export interface StorageRun {
  /** Tokens that stay recent behind the step. */
  readonly recent: number;
  /** Whether the memory after the step is wanted. */
  readonly keepState: boolean;
  readonly outside: StepContext['outside'];
  /** Other sequences of the batch that queries search as well. */
  readonly negatives: number;
}

const tables = new SharedTensors(16);

export class StorageMemory {
  constructor(
    private readonly settings: MixerSettings,
    private readonly sizes: AttentionSizes,
  ) {}

  /** Queries [B, L, H, Dh] as they are matched with what is stored; `plain` are those before they were turned. */
  queries(plain: Tensor4D, atPositions: Tensor4D): Tensor4D {
    const {positions, storagePositions} = this.settings;
    if (positions === 'none' || storagePositions === 'true') return atPositions;
    if (storagePositions === 'none') return plain;
    return turned(plain, this.distanceTable(plain.shape[1]));
  }

  /** Retrieves for a step; `recent`: tokens that stay recent behind it. From `outside` where a store of others holds what left. */
  run(
    layout: StorageLayout,
    step: StorageStep,
    past: StorageState | undefined,
    {recent, keepState, outside, negatives}: StorageRun,
  ): StorageResult {
    const {settings} = this;
    const [batch] = step.queries.shape;
    if (negatives >= batch)
      refuse(
        'BMojoMixer',
        'x',
        `of more than storageNegatives = ${negatives} sequences in training`,
        `${batch}`,
      );
    const own = {
      ...(storesUnturned(settings) ? {unturned: {recentKeys: lastRows(step.rows.keys, recent)}} : {}),
      ...(step.scores === undefined ? {} : {scored: {recentScores: lastRows(step.scores, recent)}}),
    };
    if (layout.after === 0)
      return {retrieval: outside && fromOutside(step.queries, outside), state: keepState ? own : undefined};
    const entry = this.entry(layout, step, past);
    if (outside !== undefined)
      return {retrieval: fromOutside(step.queries, outside), state: {...thresholdOf(entry), ...own}};
    const store = keepState || layout.isOneChunk ? this.store(layout, step.rows, past, entry) : undefined;
    const retrieval =
      layout.isOneChunk && store !== undefined
        ? this.fromStore(step.queries, store, negatives)
        : this.fromSequence(layout, step, past, entry, negatives);
    if (!keepState) return {retrieval};
    return {retrieval, state: {store, ...thresholdOf(entry), ...own}};
  }

  private entry(layout: StorageLayout, {rows, scores}: StorageStep, past: StorageState | undefined): Entry {
    const threshold = past?.entry?.storageThreshold;
    if (layout.entering === 0) return {threshold: threshold && clone(threshold)};
    const entering = scores && enteringOf(layout, scores);
    const chunks = layout.entering / this.settings.window;
    return entryOf(this.settings, rows.keys.shape[0], chunks, entering, threshold);
  }

  /** The store behind a step. A step within a chunk leaves it as it is. */
  private store(
    layout: StorageLayout,
    rows: Rows,
    past: StorageState | undefined,
    {entered}: Entry,
  ): StorageRows {
    const kept = past?.store;
    if (entered === undefined) {
      if (kept === undefined) throw new Error('StorageMemory: the memory of the step before is needed');
      return {
        storageKeys: clone(kept.storageKeys),
        storageValues: clone(kept.storageValues),
        storageEntered: clone(kept.storageEntered),
      };
    }
    const {after} = layout.capacity;
    return {
      storageKeys: grown(kept?.storageKeys, enteringOf(layout, rows.keys), after),
      storageValues: grown(kept?.storageValues, enteringOf(layout, rows.values), after),
      storageEntered: grown(kept?.storageEntered, entered, after),
    };
  }

  /** What queries are compared by with keys: the mean of the heads of each key head, [B, L, G, Dh]. */
  searched(queries: Tensor4D): Tensor4D {
    const {heads, groups, headWidth} = this.sizes;
    if (heads === groups) return queries;
    const [batch, length] = queries.shape;
    return mean(reshape(queries, [batch, length, groups, heads / groups, headWidth]), 3);
  }

  private fromStore(queries: Tensor4D, store: StorageRows, negatives: number): Retrieval {
    const {storageKeys: keys, storageValues: values, storageEntered: entered} = store;
    return this.attend(queries, {keys, values, admitted: cast(entered, 'int32')}, {}, negatives);
  }

  /** From the store and the tokens of the step itself, as the queries of each chunk see them. */
  private fromSequence(
    layout: StorageLayout,
    {queries, rows}: StorageStep,
    past: StorageState | undefined,
    {entered}: Entry,
    negatives: number,
  ): Retrieval {
    const {pending, fresh, phase, entering, capacity} = layout;
    const kept = past?.store;
    const behind = (stored: Tensor4D | undefined, others: Tensor4D): Tensor4D => {
      const own = latestRows(others, pending + fresh);
      return stored === undefined ? own : concat([stored, own], 1);
    };
    const all = {
      keys: behind(kept?.storageKeys, rows.keys),
      values: behind(kept?.storageValues, rows.values),
    };
    const {window, storageShare} = this.settings;
    const isEveryRow = kept === undefined && storageShare === 1;
    const admitted = (): Tensor2D => {
      const flags = [kept?.storageEntered, entered].filter(flag => flag !== undefined);
      return cast(
        concat([...flags, fill<Rank.R2>([queries.shape[0], pending + fresh - entering], 0)], 1),
        'int32',
      );
    };
    const searched = {...all, admitted: isEveryRow ? undefined : admitted()};
    const where = {window, queryOffset: capacity.before + pending, phase};
    return this.attend(queries, searched, where, negatives);
  }

  /** Attends to the best of the rows of a query's own sequence and of so many others of the batch. */
  private attend(
    q: Tensor4D,
    rows: SearchedRows,
    where: Omit<ExactSearchOptions, 'count'>,
    negatives: number,
  ): Retrieval {
    const {storage: count} = this.settings;
    const {keys: k, values: v, found} = bestOfBatch(this.searched(q), rows, {...where, count}, negatives);
    return {...retrievedAttention({q, k, v, rows: found}), found};
  }

  /** The rotary table of the one distance at which everything retrieved stands, for each of L queries. */
  private distanceTable(length: number): Tensor2D {
    const {window, storageDistance, rotaryBase} = this.settings;
    const {headWidth} = this.sizes;
    const distance = storageDistance === 0 ? 2 * window : storageDistance;
    return tables.get(`${length} ${distance} ${headWidth} ${rotaryBase}`, () =>
      rotaryTable(
        Array.from({length}, () => distance),
        headWidth,
        rotaryBase,
      ),
    );
  }
}

function thresholdOf({threshold}: Entry): Pick<StorageState, 'entry'> {
  return threshold === undefined ? {} : {entry: {storageThreshold: threshold}};
}

function fromOutside(q: Tensor4D, {retrieved}: NonNullable<StepContext['outside']>): Retrieval | undefined {
  if (retrieved === undefined) return undefined;
  const {keys: k, values: v, rows} = retrieved;
  return {...retrievedAttention({q, k, v, rows}), found: rows};
}

/** Of the tokens [B, kept + L, ...] of a step, those that enter. */
function enteringOf<T extends Tensor2D | Tensor4D>({pending, fresh, entering}: StorageLayout, all: T): T {
  return firstRows(lastRows(all, pending + fresh), entering);
}

/** Rows of a store with those that enter behind them, and empty ones in front up to its capacity. */
function grown<T extends Tensor2D | Tensor4D>(kept: T | undefined, entering: T, capacity: number): T {
  const rows = kept === undefined ? entering : concat<T>([kept, entering], 1);
  const missing = capacity - rows.shape[1];
  if (missing <= 0) return lastRows(rows, capacity);
  const empty = fill(
    rows.shape.map((size, axis) => (axis === 1 ? missing : size)),
    0,
  );
  return concat<T>([empty as T, rows], 1);
}
