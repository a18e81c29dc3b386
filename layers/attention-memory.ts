// Eidetic memory: one softmax over the window, the fading tokens and the stored tokens, whole or in chunks of a sequence.

import type {Tensor2D, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {concat, slice} from '@tensorflow/tfjs-core';
import {refuse} from '../custom-ops/check.js';
import {innovationScores, innovationSelect, memoryAttention} from '../custom-ops/index.js';
import {attentionShares} from './attention-shares.js';
import type {AttentionState} from './attention-state.js';
import {remember} from './attention-state.js';
import type {MixerSettings} from './mixer-schema.js';
import type {AttentionSizes, Rows} from './projections.js';
import {Projections} from './projections.js';
import {fadingReach, RowLayout} from './row-layout.js';
import type {StepContext} from './step-context.js';
import {START, tableOf} from './step-context.js';
import type {StepKind} from './streaming.js';
import type {ReadWeight} from './weights.js';

export interface AttentionResult {
  /** Attention output through Wo, [B, L, D]. */
  readonly y: Tensor3D;
  /** Innovation of each new token, [B, L]; only with eidetic slots. */
  readonly innovation?: Tensor2D;
  /** Row of each stored token by chunk, [B, C, me], -1 where a slot is empty; only with eidetic slots. */
  readonly stored?: Tensor3D;
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
}

export class AttentionMemory {
  private readonly projections: Projections;

  constructor(
    private readonly settings: MixerSettings,
    private readonly sizes: AttentionSizes,
    weight: ReadWeight,
  ) {
    this.projections = new Projections(settings, sizes, weight);
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
    const layout = new RowLayout(settings, context.position, length);
    checkPast(past, layout);
    const cosSin = this.table(context, length);
    const own = projections.rows(h, cosSin);
    const rows = {
      keys: layout.all(past?.keys, own.keys),
      values: layout.all(past?.values, own.values),
    };
    const fadingRows = this.fadingRows(fading, past, layout, cosSin);
    const innovation = this.innovation(fading, past);
    const scores = innovation && layout.all(past?.eidetic?.scores, innovation);
    const {window, firstRow, queryOffset, phase} = layout.options;
    const {eideticSlots: capacity, eideticOverlap: overlap} = settings;
    const chosen =
      given ?? (scores && innovationSelect(scores, {window, capacity, overlap, queryOffset, phase}));
    const attended = memoryAttention(
      {
        q: projections.queries(h, cosSin),
        k: rows.keys,
        v: rows.values,
        kFading: fadingRows?.keys,
        vFading: fadingRows?.values,
        positions: chosen,
      },
      {
        window,
        fading: settings.fading,
        fadingTokens: fadingReach(settings),
        firstRow,
        queryOffset,
        phase,
      },
    );
    const result = {y: projections.output(attended), innovation, stored: chosen};
    if (!keepState) return result;
    const selection = fading && scores && chosen && {tokens: fading, scores, chosen};
    return {...result, state: remember(layout, settings, past, {rows, fadingRows, selection})};
  }

  /** Shares of attention on in-context, fading and eidetic memory for a whole sequence h [B, L, D]: [B, L, H, 3]. */
  shares(h: Tensor3D, fading: Tensor3D | undefined, stored: Tensor3D | undefined): Tensor4D {
    const {settings} = this;
    const {queries: q, ...keys} = this.matched(h, fading);
    return attentionShares(
      {q, ...keys, stored},
      {
        window: settings.window === 0 ? h.shape[1] : settings.window,
        fading: settings.fading,
        fadingTokens: fadingReach(settings),
      },
    );
  }

  /** What is matched with what in a whole sequence h [B, L, D]: queries [B, L, H, Dh] with keys [B, L, G, Dh]. */
  matched(h: Tensor3D, fading: Tensor3D | undefined): MatchedRows {
    const {settings, projections} = this;
    const length = h.shape[1];
    const layout = new RowLayout(settings, 0, length);
    const cosSin = this.table(START, length);
    return {
      queries: projections.queries(h, cosSin),
      keys: projections.rows(h, cosSin).keys,
      fadingKeys: this.fadingRows(fading, undefined, layout, cosSin)?.keys,
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
    return layout.allFading(kept, this.projections.fadingRows(fading, cosSin));
  }

  private innovation(fading: Tensor3D | undefined, past: AttentionState | undefined): Tensor2D | undefined {
    const {eideticSlots, innovationSpan: span} = this.settings;
    if (eideticSlots === 0 || fading === undefined) return undefined;
    if (past?.eidetic === undefined) return innovationScores(fading, {span});
    const {history} = past.eidetic;
    return slice(innovationScores(concat([history, fading], 1), {span}), [0, history.shape[1]]);
  }
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
  if (settings.window === 0) return {name: start, varying: {}};
  if (length > 1) return {name: `${start} at ${layout.phase}`, varying: {}};
  // One token begins a chunk, where tokens are chosen to be stored, or only the place in the chunk differs.
  const begins = settings.eideticSlots > 0 && !layout.staysInChunk ? ' chunk' : '';
  const inPhase: StepKind['varying'][string] = recorded => ({
    ...recorded,
    phase: position % Number(recorded.window),
  });
  return {name: `${start}${begins}`, varying: {memoryAttention: inPhase, innovationSelect: inPhase}};
}
