// Eidetic memory: one softmax over the window, the fading tokens and the stored tokens, whole or in chunks of a sequence.

import type {Rank, Tensor1D, Tensor2D, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {concat, fill, mul, reshape} from '@tensorflow/tfjs-core';
import {refuse} from '../custom-ops/check.js';
import type {MemoryAttentionInputs, MemoryAttentionOptions} from '../custom-ops/index.js';
import {innovationSelect, memoryAttention, memoryAttentionWithLogSumExp} from '../custom-ops/index.js';
import type {Attributes} from '../custom-ops/op.js';
import {attentionShares} from './attention-shares.js';
import type {AttentionState} from './attention-state.js';
import {needsInnovation, remember} from './attention-state.js';
import {MEMORY_GATE, opening, sharesBehind, throughGate} from './memory-gate.js';
import type {MixerSettings} from './mixer-schema.js';
import type {PartialSoftmax} from './partial-softmax.js';
import {joined, secondShare} from './partial-softmax.js';
import {innovationBehind} from './predictor.js';
import type {AttentionSizes, Rows} from './projections.js';
import {Projections, turned} from './projections.js';
import {fadingReach, firstRows, isFull, keptBands, lastRows, latestRows, RowLayout} from './row-layout.js';
import {slotScores} from './slot-rule.js';
import type {StepContext} from './step-context.js';
import {START, tableOf} from './step-context.js';
import {entryOf, scoresTokens} from './storage-entry.js';
import {StorageLayout} from './storage-layout.js';
import type {StorageResult, StorageRun} from './storage-memory.js';
import {StorageMemory} from './storage-memory.js';
import {storesUnturned} from './storage-state.js';
import type {StepKind} from './streaming.js';
import type {LayerWeights} from './weights.js';

export interface AttentionResult {
  /** Attention output through Wo, [B, L, D]. */
  readonly y: Tensor3D;
  /** Innovation of each new token, [B, L]; only with eidetic slots. */
  readonly innovation?: Tensor2D;
  /** Row of each stored token by chunk, [B, C, me], -1 where a slot is empty; only with eidetic slots. */
  readonly stored?: Tensor3D;
  /** Rows retrieved from storage by each query and key head, int32 [B, L, G, K], -1 where there were fewer; and the share of attention on them [B, L, H]. Where some query had any to retrieve. */
  readonly retrieved?: Tensor4D;
  readonly storageShare?: Tensor3D;
  /** Memory after the new tokens, where it is asked for. */
  readonly state?: AttentionState;
}

/** Queries and the keys that they are matched with, at their rotary positions. */
export interface MatchedRows {
  /** [B, L, H, Dh]. */
  readonly queries: Tensor4D;
  /** [B, L, G, Dh]. */
  readonly keys: Tensor4D;
  /** As `keys`; with fading tokens attended. */
  readonly fadingKeys?: Tensor4D;
  /** As `queries` and `keys`, as they are matched in storage; with memory in storage. */
  readonly storageQueries?: Tensor4D;
  readonly storageKeys?: Tensor4D;
}

/** n tokens on their way to storage. */
export type LeavingTokens = {
  /** Keys as stored and values, [B, n, G, Dh]. */
  readonly keys: Tensor4D;
  readonly values: Tensor4D;
  /** [B, n]; absent without a fading memory. */
  readonly innovation?: Tensor2D;
  /** 1 for those that enter, [B, n]. */
  readonly entered: Tensor2D;
};

export class AttentionMemory {
  private readonly projections: Projections;
  private readonly storage?: StorageMemory;

  constructor(
    private readonly settings: MixerSettings,
    private readonly sizes: AttentionSizes,
    private readonly weights: LayerWeights,
  ) {
    this.projections = new Projections(settings, sizes, weights);
    if (settings.storage > 0) this.storage = new StorageMemory(settings, sizes);
  }

  /**
   * Attends from h [B, L, D] over h, the fading tokens [B, L, D] and the memory of earlier tokens. `given`: rows stored for
   * each chunk, [B, C, me], in the place of those of largest innovation.
   */
  run(
    h: Tensor3D,
    fading: Tensor3D | undefined,
    past: AttentionState | undefined,
    context: StepContext,
    keepState: boolean,
    given?: Tensor3D,
  ): AttentionResult {
    const {settings, projections} = this;
    const length = h.shape[1];
    const layout = new RowLayout(settings, context.position, length, context.room);
    checkPast(past, layout);
    const cosSin = this.table(context, length);
    const plain = projections.queriesAndRows(h);
    const queries = turned(plain.queries, cosSin);
    const rows = {
      keys: layout.all(past?.keys, turned(plain.keys, cosSin)),
      values: layout.all(past?.values, plain.values),
    };
    const fadingRows = this.fadingRows(fading, past, layout, cosSin);
    const innovation = this.innovation(fading, past);
    const known = past?.eidetic?.scores;
    const scores =
      settings.eideticSlots === 0
        ? undefined
        : innovation &&
          layout.all(known, slotScores(settings, {innovation, keys: plain.keys, cosSin, known}));
    const {window, firstRow, queryOffset, phase} = layout.options;
    const {eideticSlots: capacity, eideticOverlap: overlap} = settings;
    const chosen =
      given ?? (scores && innovationSelect(scores, {window, capacity, overlap, queryOffset, phase}));
    const memories: MemoryAttentionInputs = {
      q: queries,
      k: rows.keys,
      v: rows.values,
      kFading: fadingRows?.keys,
      vFading: fadingRows?.values,
      positions: chosen,
    };
    const options: MemoryAttentionOptions = {
      window,
      fading: settings.fading,
      fadingTokens: fadingReach(settings),
      firstRow,
      queryOffset,
      phase,
      precision: settings.precision,
    };
    const stored = this.fromStorage({plain, queries, rows, innovation}, past, layout, {
      recent: layout.after.recent,
      keepState,
      outside: context.outside,
      negatives: context.training === undefined ? 0 : settings.storageNegatives,
    });
    const attended = this.gated(memories, options, attendedWith(memories, options, stored?.retrieval));
    const result = {
      y: projections.output(attended.out),
      innovation,
      stored: chosen,
      retrieved: stored?.retrieval?.found,
      storageShare: attended.storageShare,
    };
    if (!keepState) return result;
    const selection = scores && chosen && {scores, chosen};
    const tokens = needsInnovation(settings) ? fading : undefined;
    const storage = stored?.state;
    return {
      ...result,
      state: remember(layout, settings, past, {rows, fadingRows, tokens, selection, storage}),
    };
  }

  /**
   * Shares of attention of the queries of h [B, L, D] on in-context, fading and eidetic memory: [B, L, H, 3], and with
   * memory in storage [B, L, H, 4]. `chosen`: what `run` stored and retrieved for them.
   */
  shares(
    h: Tensor3D,
    fading: Tensor3D | undefined,
    past: AttentionState | undefined,
    context: StepContext,
    {stored, storageShare}: Pick<AttentionResult, 'stored' | 'storageShare'>,
  ): Tensor4D {
    const {settings, projections} = this;
    const length = h.shape[1];
    const layout = new RowLayout(settings, context.position, length, context.room);
    const cosSin = this.table(context, length);
    const shares = attentionShares(
      {
        q: turned(projections.queries(h), cosSin),
        keys: layout.all(past?.keys, turned(projections.rows(h).keys, cosSin)),
        fadingKeys: this.fadingRows(fading, past, layout, cosSin)?.keys,
        stored,
      },
      {...layout.options, fading: settings.fading, fadingTokens: fadingReach(settings)},
    );
    return sharesBehind(shares, this.open(), storageShare, settings.storage > 0);
  }

  /** What is matched with what in a whole sequence h [B, L, D]: queries [B, L, H, Dh] with keys [B, L, G, Dh]. */
  matched(h: Tensor3D, fading: Tensor3D | undefined): MatchedRows {
    const {settings, projections, storage} = this;
    const length = h.shape[1];
    const layout = new RowLayout(settings, 0, length);
    const cosSin = this.table(START, length);
    const plain = {queries: projections.queries(h), keys: projections.rows(h).keys};
    const [queries, keys] = [turned(plain.queries, cosSin), turned(plain.keys, cosSin)];
    return {
      queries,
      keys,
      fadingKeys: this.fadingRows(fading, undefined, layout, cosSin)?.keys,
      storageQueries: storage?.queries(plain.queries, queries),
      storageKeys: storage && (storesUnturned(settings) ? plain.keys : keys),
    };
  }

  /** What the queries of h [B, L, D] are compared by with stored keys, [B, L, G, Dh]. Errors: Error without storage. */
  searched(h: Tensor3D, context: StepContext): Tensor4D {
    const {projections, storage} = this;
    if (storage === undefined) throw new Error('AttentionMemory.searched: there is no storage');
    const plain = projections.queries(h);
    return storage.searched(storage.queries(plain, turned(plain, this.table(context, h.shape[1]))));
  }

  /** Tokens `begin` to `end` - 1 of the recent ones among `position`; of a whole chunk those enter whose turn it is, of a part all. */
  leaving(state: AttentionState, position: number, begin: number, end: number): LeavingTokens {
    const {settings} = this;
    const {recent} = keptBands(settings, position);
    const of = <T extends Tensor2D | Tensor4D>(rows: T): T =>
      firstRows(lastRows(rows, position - begin), end - begin);
    const scores = state.storage?.scored?.recentScores;
    const innovation = scores === undefined ? undefined : of(scores);
    const threshold = state.storage?.entry?.storageThreshold;
    const [batch] = state.keys.shape;
    if (position - begin > recent)
      throw new Error(`AttentionMemory.leaving: token ${begin} is recent no more`);
    const isChunk = end - begin === settings.window;
    const entered = isChunk ? entryOf(settings, batch, 1, innovation, threshold).entered : undefined;
    return {
      keys: of(state.storage?.unturned?.recentKeys ?? state.keys),
      values: of(state.values),
      innovation,
      entered: entered ?? fill<Rank.R2>([batch, end - begin], 1),
    };
  }

  /** How far the gates are open, [H, 1]; where there are some. */
  private open(): Tensor2D | undefined {
    return this.settings.memoryGate ? opening(this.weights.read<Tensor1D>(MEMORY_GATE)) : undefined;
  }

  /** What is attended to behind the gates; all of it where there are none. */
  private gated({q, k, v}: MemoryAttentionInputs, options: MemoryAttentionOptions, all: Attended): Attended {
    const open = this.open();
    if (open === undefined) return all;
    const inWindow = memoryAttention({q, k, v}, {...options, fading: 'none'});
    const {out, storageShare} = all;
    return {
      out: throughGate(inWindow, out, open),
      ...(storageShare === undefined ? {} : {storageShare: mul(storageShare, reshape(open, [-1]))}),
    };
  }

  /** The rotary table of a step, [L, Dh], where positions are rotary. */
  private table(context: StepContext, length: number): Tensor2D | undefined {
    const {positions, rotaryBase: base} = this.settings;
    if (positions !== 'rotary') return undefined;
    return tableOf(context, length, {headWidth: this.sizes.headWidth, base});
  }

  private fadingRows(
    fading: Tensor3D | undefined,
    past: AttentionState | undefined,
    layout: RowLayout,
    cosSin: Tensor2D | undefined,
  ): Rows | undefined {
    if (this.settings.fading === 'none' || fading === undefined) return undefined;
    const kept = past?.faded && {keys: past.faded.fadingKeys, values: past.faded.fadingValues};
    const {keys, values} = this.projections.fadingRows(fading);
    return layout.allFading(kept, {keys: turned(keys, cosSin), values});
  }

  /** What the step's queries retrieve from storage, and storage behind it. */
  private fromStorage(
    {plain, queries, rows, innovation}: StepVectors,
    past: AttentionState | undefined,
    {position, fresh, before}: RowLayout,
    run: StorageRun,
  ): StorageResult | undefined {
    const {settings, storage} = this;
    if (storage === undefined) return undefined;
    const recentAndNew = before.recent + fresh;
    const known = past?.storage;
    const keys = storesUnturned(settings)
      ? behind(known?.unturned?.recentKeys, plain.keys)
      : latestRows(rows.keys, recentAndNew);
    const scores =
      innovation && scoresTokens(settings) ? behind(known?.scored?.recentScores, innovation) : undefined;
    const step = {
      queries: storage.queries(plain.queries, queries),
      rows: {keys, values: latestRows(rows.values, recentAndNew)},
      scores,
    };
    return storage.run(new StorageLayout(settings, position, fresh), step, known, run);
  }

  private innovation(fading: Tensor3D | undefined, past: AttentionState | undefined): Tensor2D | undefined {
    if (!needsInnovation(this.settings) || fading === undefined) return undefined;
    return innovationBehind(past?.predictor?.history, fading, this.settings.innovationSpan);
  }
}

/** What a step computed of its new tokens, and all rows of its layout. */
interface StepVectors {
  /** Before they are turned to their positions. */
  readonly plain: {readonly queries: Tensor4D; readonly keys: Tensor4D};
  /** At their positions, [B, L, H, Dh]. */
  readonly queries: Tensor4D;
  readonly rows: Rows;
  readonly innovation?: Tensor2D;
}

/** Kept rows with the new ones behind them. */
function behind<T extends Tensor2D | Tensor4D>(kept: T | undefined, fresh: T): T {
  return kept === undefined ? fresh : concat<T>([kept, fresh], 1);
}

/** What the heads attended to, [B, L, H, Dh], and the share of storage in it, [B, L, H]; where something was retrieved. */
interface Attended {
  readonly out: Tensor4D;
  readonly storageShare?: Tensor3D;
}

/** The softmax over the memories in the layer and what was retrieved, [B, L, H, Dh], and the share of the latter. */
function attendedWith(
  memories: MemoryAttentionInputs,
  options: MemoryAttentionOptions,
  retrieval: PartialSoftmax | undefined,
): Attended {
  if (retrieval === undefined) return {out: memoryAttention(memories, options)};
  const inLayer = memoryAttentionWithLogSumExp(memories, options);
  const storageShare = secondShare(inLayer, retrieval);
  return {out: joined(inLayer, retrieval, storageShare), storageShare};
}

/** Refuses a memory that is not the one after the tokens before the step. */
function checkPast(past: AttentionState | undefined, layout: RowLayout): void {
  const held = past?.keys.shape[1] ?? 0;
  if (held !== layout.kept)
    refuse(
      'BMojoMixer',
      'state',
      `the memory after context.position = ${layout.position} tokens (${layout.kept} rows)`,
      `${held} rows`,
    );
}

/** What decides a step's operations; see {@link StepKind}. */
export function attentionStepKind(settings: MixerSettings, position: number, length: number): StepKind {
  const layout = new RowLayout(settings, position, length);
  const start = position === 0 ? 'first' : 'continued';
  // Rows before those of the tokens so far are blank ones, or out of reach.
  const fromFirst = (recorded: Attributes): Attributes => ({
    ...recorded,
    firstRow: Math.max(0, Number(recorded.queryOffset) - position),
  });
  if (settings.window === 0) return {name: start, varying: length > 1 ? {} : {memoryAttention: fromFirst}};
  if (length > 1) return {name: `${start} at ${layout.phase}`, varying: {}};
  // One token begins a chunk, where tokens are chosen to be stored, or only the place in the chunk differs.
  const begins = (settings.eideticSlots > 0 || settings.storage > 0) && !layout.staysInChunk;
  const inPhase = (recorded: Attributes): Attributes => ({
    ...recorded,
    phase: position % Number(recorded.window),
  });
  return {
    name: `${start}${begins ? ' chunk' : ''}`,
    // How many rows have had their chance differs from chunk to chunk until the memory is full.
    isPassing: begins && !isFull(settings, position),
    varying: {memoryAttention: recorded => fromFirst(inPhase(recorded)), innovationSelect: inPhase},
  };
}
