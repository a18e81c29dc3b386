// Eidetic memory: one softmax over the window, the fading tokens and the stored tokens, whole or in pieces.
// A piece sees its past as rows before its own: [stored tokens (me) | recent tokens | new tokens].

import type {Rank, Tensor, Tensor2D, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {add, concat, fill, less, maximum, reshape, slice, tensor2d, where} from '@tensorflow/tfjs-core';
import type {LayerVariable} from '@tensorflow/tfjs-layers';
import type {Settings} from '../config/schema.js';
import {
  embeddingLookup,
  innovationScores,
  innovationSelect,
  linear,
  memoryAttention,
  rotaryEmbedding,
} from '../custom-ops/index.js';
import {SharedTensors} from '../custom-ops/shared-tensors.js';
import {attentionShares} from './attention-shares.js';
import type {AddWeight} from './fading-memory.js';
import {streamSeed, symmetric} from './initializers.js';
import type {mixerSchema} from './mixer-schema.js';
import type {LayerState} from './streaming.js';

export type MixerSettings = Settings<typeof mixerSchema>;

export interface AttentionResult {
  /** Attention output through Wo, [B, L, D]. */
  readonly y: Tensor3D;
  /** Innovation of each new token, [B, L]; only with eidetic slots. */
  readonly innovation?: Tensor2D;
  /** Row of each stored token by chunk, [B, C, me], -1 where a slot is empty; only with eidetic slots. */
  readonly stored?: Tensor3D;
  readonly memory: Readonly<Record<string, Tensor>>;
}

interface Rows {
  readonly keys: Tensor4D;
  readonly values: Tensor4D;
}

export class AttentionMemory {
  /** D. */
  private readonly width: number;
  /** G. */
  private readonly groups: number;
  /** Dh. */
  private readonly headWidth: number;
  private readonly weights: Readonly<Record<string, LayerVariable>>;

  constructor(
    private readonly settings: MixerSettings,
    width: number,
    addWeight: AddWeight,
  ) {
    this.width = width;
    this.groups = settings.kvHeads === 0 ? settings.heads : settings.kvHeads;
    this.headWidth = settings.headWidth === 0 ? width / settings.heads : settings.headWidth;
    const names = ['q_proj', 'k_proj', 'v_proj'];
    if (settings.fading !== 'none' && !settings.tieFading) names.push('k_proj_fading', 'v_proj_fading');
    const weights: Record<string, LayerVariable> = {};
    const add = (name: string, rows: number, columns: number): void => {
      const initializer = symmetric(rows ** -0.5, streamSeed(settings.seed, name));
      weights[name] = addWeight(name, [rows, columns], initializer);
    };
    const queryWidth = settings.heads * this.headWidth;
    for (const name of names) add(name, width, name === 'q_proj' ? queryWidth : this.groups * this.headWidth);
    add('o_proj', queryWidth, width);
    this.weights = weights;
  }

  /** Attends from h [B, L, D] over h, the fading tokens [B, L, D] and the memory of earlier pieces. */
  run(h: Tensor3D, fading: Tensor3D | undefined, past: LayerState, keepMemory: boolean): AttentionResult {
    const {settings} = this;
    const [batch, length] = h.shape;
    const start = past.position;
    const isContinued = start > 0;
    const firstRow = isContinued ? settings.eideticSlots : 0;
    const own = this.project(h, 'k_proj', 'v_proj', start);
    const rows = isContinued ? join(pastRows(past, 'keys', 'values'), own) : own;
    const total = rows.keys.shape[1];
    const window = settings.window === 0 ? wholeWindow(total) : settings.window;
    const stream = {queryOffset: total - length, phase: settings.window === 0 ? 0 : start % window};
    const fadingRows = this.fadingRows(fading, past, firstRow);
    const innovation = this.innovation(fading, past);
    const scores =
      innovation && (isContinued ? concat([past.tensors.scores as Tensor2D, innovation], 1) : innovation);
    const stored =
      scores &&
      innovationSelect(scores, {
        window,
        capacity: settings.eideticSlots,
        overlap: settings.eideticOverlap,
        ...stream,
      });
    const q = this.rotate(this.heads(h, 'q_proj', settings.heads), start);
    const attended = memoryAttention(
      {
        q,
        k: rows.keys,
        v: rows.values,
        kFading: fadingRows?.keys,
        vFading: fadingRows?.values,
        positions: stored,
      },
      {
        window,
        fading: settings.fading,
        fadingTokens: this.fadingTokens(),
        firstRow,
        ...stream,
      },
    );
    const y = linear(
      reshape(attended, [batch, length, settings.heads * this.headWidth]),
      this.read('o_proj'),
    );
    const memory = keepMemory ? this.remember(past, length, rows, fadingRows, fading, scores, stored) : {};
    return {y, innovation, stored, memory};
  }

  /** Shares of attention on in-context, fading and eidetic memory for a whole sequence h [B, L, D]: [B, L, H, 3]. */
  shares(h: Tensor3D, fading: Tensor3D | undefined, stored: Tensor3D | undefined): Tensor4D {
    const {settings} = this;
    const first = {position: 0, tensors: {}};
    return attentionShares(
      {
        q: this.rotate(this.heads(h, 'q_proj', settings.heads), 0),
        keys: this.project(h, 'k_proj', 'v_proj', 0).keys,
        fadingKeys: this.fadingRows(fading, first, 0)?.keys,
        stored,
      },
      {
        window: settings.window === 0 ? h.shape[1] : settings.window,
        fading: settings.fading,
        fadingTokens: this.fadingTokens(),
      },
    );
  }

  /** Bytes of one sequence's memory after `length` tokens. */
  memoryBytes(length: number): number {
    const {eideticSlots, fading, innovationSpan} = this.settings;
    const recent = Math.min(length, this.recentRows());
    const rowFloats = 2 * this.groups * this.headWidth;
    let floats = (eideticSlots + recent) * rowFloats;
    if (fading !== 'none') floats += recent * rowFloats;
    if (eideticSlots > 0) floats += eideticSlots + recent + Math.min(length, innovationSpan) * this.width;
    return 4 * floats;
  }

  private fadingTokens(): number {
    const {fading, fadingTokens, window} = this.settings;
    return fading === 'chunk' && fadingTokens === 0 ? window : fadingTokens;
  }

  /** How many of the latest tokens later queries or selections may still need. */
  private recentRows(): number {
    const {window, fading, eideticSlots} = this.settings;
    if (window === 0) return Number.POSITIVE_INFINITY;
    if (eideticSlots > 0 || fading === 'sliding')
      return Math.max(2 * window, window - 1 + this.fadingTokens());
    return Math.max(1, window - 1 + (fading === 'chunk' ? this.fadingTokens() : 0));
  }

  private project(x: Tensor3D, keys: string, values: string, offset: number): Rows {
    return {
      keys: this.rotate(this.heads(x, keys, this.groups), offset),
      values: this.heads(x, values, this.groups),
    };
  }

  private heads(x: Tensor3D, name: string, heads: number): Tensor4D {
    return reshape(linear(x, this.read(name)), [x.shape[0], x.shape[1], heads, this.headWidth]);
  }

  private rotate(x: Tensor4D, offset: number): Tensor4D {
    const {positions, rotaryBase} = this.settings;
    return positions === 'rotary' ? rotaryEmbedding(x, {base: rotaryBase, offset}) : x;
  }

  private fadingRows(fading: Tensor3D | undefined, past: LayerState, firstRow: number): Rows | undefined {
    const {settings} = this;
    if (settings.fading === 'none' || fading === undefined) return undefined;
    const own = settings.tieFading
      ? this.project(fading, 'k_proj', 'v_proj', past.position)
      : this.project(fading, 'k_proj_fading', 'v_proj_fading', past.position);
    if (past.position === 0) return own;
    const recent = join(pastRows(past, 'fadingKeys', 'fadingValues'), own);
    if (firstRow === 0) return recent;
    // Stored tokens have no fading counterpart: rows that no query reaches keep the two row numberings alike.
    const blank = fill<Rank.R4>([fading.shape[0], firstRow, this.groups, this.headWidth], 0);
    return join({keys: blank, values: blank}, recent);
  }

  private innovation(fading: Tensor3D | undefined, past: LayerState): Tensor2D | undefined {
    const {eideticSlots, innovationSpan} = this.settings;
    if (eideticSlots === 0 || fading === undefined) return undefined;
    if (past.position === 0) return innovationScores(fading, {span: innovationSpan});
    const history = past.tensors.history as Tensor3D;
    const scores = innovationScores(concat([history, fading], 1), {span: innovationSpan});
    return slice(scores, [0, history.shape[1]]);
  }

  private remember(
    past: LayerState,
    length: number,
    rows: Rows,
    fadingRows: Rows | undefined,
    fading: Tensor3D | undefined,
    scores: Tensor2D | undefined,
    stored: Tensor3D | undefined,
  ): Record<string, Tensor> {
    const position = past.position + length;
    const recent = Math.min(position, this.recentRows());
    const memory: Record<string, Tensor> = {
      keys: lastRows(rows.keys, recent),
      values: lastRows(rows.values, recent),
    };
    if (fadingRows !== undefined) {
      memory.fadingKeys = lastRows(fadingRows.keys, recent);
      memory.fadingValues = lastRows(fadingRows.values, recent);
    }
    if (fading === undefined || scores === undefined || stored === undefined) return memory;
    const {history} = past.tensors as {history?: Tensor3D};
    const tokens = history === undefined ? fading : concat([history, fading], 1);
    memory.history = lastRows(tokens, Math.min(tokens.shape[1], this.settings.innovationSpan));
    const {window, eideticSlots: slots} = this.settings;
    if (past.position > 0 && chunkOf(position, window) === chunkOf(past.position, window)) {
      // Within a chunk no token is stored and none has its chance: decoding mostly takes this shorter way.
      memory.keys = concat([firstRows(rows.keys, slots), memory.keys as Tensor4D], 1);
      memory.values = concat([firstRows(rows.values, slots), memory.values as Tensor4D], 1);
      memory.scores = concat([firstRows(scores, slots), lastRows(scores, recent)], 1);
      return memory;
    }
    const {ids, empty} = slotRows(stored, rows.keys.shape[1]);
    memory.keys = concat([pickRows(rows.keys, ids), memory.keys as Tensor4D], 1);
    memory.values = concat([pickRows(rows.values, ids), memory.values as Tensor4D], 1);
    const slotScores = where(empty, fill(empty.shape, -1), pickScores(scores, ids));
    memory.scores = concat([slotScores, this.pendingScores(scores, position, recent)], 1);
    return memory;
  }

  /** Scores of the recent tokens; -1 for those that have had their chance to be stored. */
  private pendingScores(scores: Tensor2D, position: number, recent: number): Tensor {
    const {window, eideticOverlap} = this.settings;
    const chunk = Math.floor((position - 1) / window);
    const limit = (eideticOverlap ? chunk : chunk - 1) * window;
    const spent = Math.min(recent, Math.max(0, limit - (position - recent)));
    if (spent === 0) return lastRows(scores, recent);
    const past = fill<Rank.R2>([scores.shape[0], spent], -1);
    return spent === recent ? past : concat([past, lastRows(scores, recent - spent)], 1);
  }

  private read(name: string): Tensor2D {
    return this.weights[name].read() as Tensor2D;
  }
}

function pastRows(past: LayerState, keys: string, values: string): Rows {
  return {keys: past.tensors[keys] as Tensor4D, values: past.tensors[values] as Tensor4D};
}

function join(first: Rows, second: Rows): Rows {
  return {keys: concat([first.keys, second.keys], 1), values: concat([first.values, second.values], 1)};
}

/** A window over all of `total` rows: the same for many lengths, since backends keep a compiled kernel for each window. */
function wholeWindow(total: number): number {
  return 2 ** Math.max(10, Math.ceil(Math.log2(total)));
}

/** Chunk of the last of `length` tokens. */
function chunkOf(length: number, window: number): number {
  return Math.floor((length - 1) / window);
}

/** The first `count` entries along the token axis. */
function firstRows<T extends Tensor>(x: T, count: number): T {
  const zero = x.shape.map(() => 0);
  return slice(
    x,
    zero,
    x.shape.map((size, axis) => (axis === 1 ? count : size)),
  );
}

/** The last `count` entries along the token axis. */
function lastRows<T extends Tensor>(x: T, count: number): T {
  const begin = x.shape.map((size, axis) => (axis === 1 ? size - count : 0));
  return slice(x, begin);
}

/** Where the rows of each sequence begin among those of all; made once, so that a captured step uploads nothing. */
const rowStarts = new SharedTensors(16);

/** Flat row numbers [B, me] of the tokens stored for the last chunk, and which slots are empty. */
function slotRows(stored: Tensor3D, total: number): {ids: Tensor2D; empty: Tensor2D} {
  const [batch, chunks, slots] = stored.shape;
  const last = reshape(slice(stored, [0, chunks - 1, 0], [batch, 1, slots]), [batch, slots]);
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
