// What eidetic memory carries from one step to the next: rows, fading rows, scores, and the tokens that predict the next one.

import type {Rank, Tensor, Tensor2D, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {add, concat, fill, less, maximum, reshape, slice, tensor2d, where} from '@tensorflow/tfjs-core';
import {embeddingLookup} from '../custom-ops/index.js';
import {SharedTensors} from '../custom-ops/shared-tensors.js';
import type {MixerSettings} from './mixer-schema.js';
import {historyBehind} from './predictor.js';
import type {AttentionSizes, Rows} from './projections.js';
import type {RowLayout} from './row-layout.js';
import {firstRows, keptBands, lastRows} from './row-layout.js';
import type {StateShapes} from './state.js';
import {scoresTokens} from './storage-entry.js';
import type {StorageState} from './storage-state.js';
import {storageStateShapes} from './storage-state.js';
import type {RoomChange} from './streaming.js';

/** Memory of a mixer's attention after at least one token: rows of the window, and those that are stored. */
export type AttentionState = {
  /** [B, stored + blank + recent, G, Dh]; empty slots and blank rows hold any row. */
  readonly keys: Tensor4D;
  readonly values: Tensor4D;
  /** Of the recent fading tokens, [B, blank + recent, G, Dh]; with fading tokens attended. */
  readonly faded?: {readonly fadingKeys: Tensor4D; readonly fadingValues: Tensor4D};
  /** Last fading tokens, which predict the next one, [B, up to k, D]; where innovation is needed. */
  readonly predictor?: {readonly history: Tensor3D};
  /** What eideticRule goes by, innovation unless it says otherwise, of each row, [B, stored + blank + recent]; -1 for an empty slot, a blank row and a token that has had its chance. With eidetic slots. */
  readonly eidetic?: {readonly scores: Tensor2D};
  /** With memory in storage. */
  readonly storage?: StorageState;
};

/** Whether a mixer needs to know how well its fading memory predicts each token. */
export function needsInnovation(settings: MixerSettings): boolean {
  return settings.eideticSlots > 0 || scoresTokens(settings);
}

/** Shapes of one sequence's memory after `length` tokens, at least one, with room for `room` of them. */
export function attentionStateShapes(
  settings: MixerSettings,
  {width, groups, headWidth}: AttentionSizes,
  length: number,
  room?: number,
): StateShapes<AttentionState> {
  const {stored, blank, recent} = keptBands(settings, length, room);
  const rows = [stored + blank + recent, groups, headWidth];
  const faded = [blank + recent, groups, headWidth];
  const history = [Math.min(length, settings.innovationSpan), width];
  return {
    keys: rows,
    values: rows,
    ...(settings.fading === 'none' ? {} : {faded: {fadingKeys: faded, fadingValues: faded}}),
    ...(needsInnovation(settings) ? {predictor: {history}} : {}),
    ...(settings.eideticSlots === 0 ? {} : {eidetic: {scores: [stored + blank + recent]}}),
    ...(settings.storage === 0
      ? {}
      : {storage: storageStateShapes(settings, {width, groups, headWidth}, length, recent)}),
  };
}

/** See `StreamingLayer.withRoom`. */
export function withRoom(
  settings: MixerSettings,
  state: AttentionState,
  position: number,
  {from, to}: RoomChange,
): AttentionState {
  const [before, after] = [from, to].map(room => keptBands(settings, position, room));
  if (before.blank === after.blank) return state;
  const resized = <T extends Tensor>(rows: T, stored: number, blank = 0): T => {
    const {shape} = rows;
    const kept = lastRows(rows, Math.min(before.blank, after.blank) + before.recent);
    const missing = Math.max(0, after.blank - before.blank);
    const more = fill([shape[0], missing, ...shape.slice(2)], blank);
    return concat(
      [firstRows(rows, stored), more, kept].filter(({size}) => size > 0),
      1,
    ) as T;
  };
  const {keys, values, faded, eidetic} = state;
  return {
    ...state,
    keys: resized(keys, before.stored),
    values: resized(values, before.stored),
    faded: faded && {
      fadingKeys: resized(faded.fadingKeys, 0),
      fadingValues: resized(faded.fadingValues, 0),
    },
    eidetic: eidetic && {scores: resized(eidetic.scores, before.stored, -1)},
  };
}

/** What a step computed that its memory is made from. */
export interface StepRows {
  /** All rows of the layout. */
  readonly rows: Rows;
  readonly fadingRows?: Rows;
  /** New fading tokens [B, L, D]; where innovation is needed. */
  readonly tokens?: Tensor3D;
  /** Scores of all rows, and rows stored for each chunk [B, C, me]; with eidetic slots. */
  readonly selection?: {readonly scores: Tensor2D; readonly chosen: Tensor3D};
  readonly storage?: StorageState;
}

/** The memory after a step. */
export function remember(
  layout: RowLayout,
  settings: MixerSettings,
  past: AttentionState | undefined,
  {rows, fadingRows, tokens, selection, storage}: StepRows,
): AttentionState {
  const recent = {keys: layout.recentOf(rows.keys), values: layout.recentOf(rows.values)};
  const faded = fadingRows && {
    fadingKeys: layout.recentOf(fadingRows.keys),
    fadingValues: layout.recentOf(fadingRows.values),
  };
  const predictor = tokens && {
    history: historyBehind(past?.predictor?.history, tokens, settings.innovationSpan),
  };
  if (selection === undefined) return {...recent, faded, predictor, storage};
  const {scores, chosen} = selection;
  // Decoding mostly takes this shorter way.
  const stored = layout.staysInChunk
    ? {
        keys: layout.storedOf(rows.keys),
        values: layout.storedOf(rows.values),
        scores: layout.storedOf(scores),
      }
    : storedTokens(rows, scores, chosen);
  const recentScores = layout.staysInChunk
    ? layout.recentOf(scores)
    : pendingScores(layout, scores, settings.eideticOverlap);
  return {
    keys: layout.memory(stored.keys, recent.keys),
    values: layout.memory(stored.values, recent.values),
    faded,
    predictor,
    eidetic: {scores: layout.memory(stored.scores, recentScores)},
    storage,
  };
}

/** Scores of blank rows and recent tokens; -1 for the former and those that have had their chance to be stored. */
function pendingScores(layout: RowLayout, scores: Tensor2D, overlap: boolean): Tensor2D {
  const {blank, recent} = layout.after;
  const spent = layout.spent(overlap);
  if (blank + spent === 0) return lastRows(scores, recent);
  const past = fill<Rank.R2>([scores.shape[0], blank + spent], -1);
  return spent === recent ? past : concat([past, lastRows(scores, recent - spent)], 1);
}

/** Rows and scores of the tokens stored for the last chunk. */
function storedTokens(rows: Rows, scores: Tensor2D, chosen: Tensor3D): Rows & {scores: Tensor2D} {
  const {ids, empty} = slotRows(chosen, rows.keys.shape[1]);
  return {
    keys: pickRows(rows.keys, ids),
    values: pickRows(rows.values, ids),
    scores: where(empty, fill(empty.shape, -1), pickScores(scores, ids)) as Tensor2D,
  };
}

/** Where the rows of each sequence begin among those of all; made once, so that a captured step uploads nothing. */
const rowStarts = new SharedTensors(16);

/** Flat row numbers [B, me] of the tokens stored for the last chunk, and which slots are empty. */
function slotRows(chosen: Tensor3D, total: number): {ids: Tensor2D; empty: Tensor2D} {
  const [batch, chunks, slots] = chosen.shape;
  const last = reshape(slice(chosen, [0, chunks - 1, 0], [batch, 1, slots]), [batch, slots]);
  const starts = rowStarts.get(`${batch} ${total}`, () =>
    tensor2d(
      Int32Array.from({length: batch}, (_, sequence) => sequence * total),
      [batch, 1],
      'int32',
    ),
  );
  const zero = fill([], 0, 'int32');
  const ids = add(maximum(last, zero), starts) as Tensor2D;
  return {ids, empty: less(last, zero)};
}

function pickRows(rows: Tensor4D, ids: Tensor2D): Tensor4D {
  const [batch, total, groups, headWidth] = rows.shape;
  const table = reshape(rows, [batch * total, groups * headWidth]) as Tensor2D;
  return reshape(embeddingLookup(table, ids), [batch, ids.shape[1], groups, headWidth]);
}

function pickScores(scores: Tensor2D, ids: Tensor2D): Tensor2D {
  const [batch, total] = scores.shape;
  return reshape(embeddingLookup(reshape(scores, [batch * total, 1]) as Tensor2D, ids), ids.shape);
}
