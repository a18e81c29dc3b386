// Evaluations whose texts go through a store of memory outside the model, as a session's do.

import type {Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import type {Batch} from '../data/batch.js';
import type {MemoryStore} from '../memory/index.js';
import type {LanguageModel} from '../models/language-model.js';
import {SessionMemory} from '../models/session-memory.js';
import {disposeModelState} from '../models/state.js';
import type {ScorableModel, Scored, SelfScoring} from './scorable.js';
import {PIECE, rowAnswers} from './score.js';

/** Where the texts of an evaluation are read. */
export interface EvaluationStore {
  readonly store: MemoryStore;
  /** Names the weights, as `memoryFormat` was told. */
  readonly weights: string;
  /** A stream whose memory every text begins with. Default: each text begins with none. */
  readonly stream?: string;
}

/**
 * A model that evaluations read through a store: what leaves the windows goes there, and what earlier processes left in the
 * stream is found as well. Each text is removed behind its end, so that none sees another, and the store stays as it was found;
 * nobody else may write to the stream meanwhile. A chunk waits until the store holds those before it: results do not depend on
 * its speed.
 *
 * Errors: SettingError for a store of another format; MemoryStoreError for what the store refuses.
 */
export class ModelWithStore implements ScorableModel, SelfScoring {
  constructor(
    private readonly model: LanguageModel,
    private readonly place: EvaluationStore,
  ) {}

  hidden(tokens: Tensor2D): Tensor3D {
    return this.model.hidden(tokens);
  }

  logits(hidden: Tensor2D): Tensor2D {
    return this.model.logits(hidden);
  }

  async scoreBatch(batch: Batch): Promise<Scored> {
    const predicted = new Int32Array(batch.rows.length);
    const losses = new Float32Array(batch.rows.length);
    for (let text = 0; text < batch.size; text++) {
      const {store, weights, stream = `evaluation ${crypto.randomUUID()}`} = this.place;
      const session = new SessionMemory(this.model, {store, stream}, weights);
      try {
        await this.read(session, batch, text, {predicted, losses});
      } finally {
        await session.withdraw();
      }
    }
    return {predicted, losses};
  }

  private async read(session: SessionMemory, batch: Batch, text: number, into: Scored): Promise<void> {
    const {tokens, length} = batch;
    let state = this.model.initialState(1);
    try {
      for (let begin = 0; begin < length; begin = state.position) {
        await session.landed();
        const end = Math.min(length, begin + Math.min(PIECE, session.room(begin)));
        const ids = tokens.slice(text * length + begin, text * length + end);
        const {hidden, state: next} = await session.advance(ids, state);
        disposeModelState(state);
        state = next;
        try {
          await this.answer(hidden, batch, text * length + begin, into);
        } finally {
          hidden.dispose();
        }
      }
    } finally {
      disposeModelState(state);
    }
  }

  /** Answers at the scored rows of the batch among those of `hidden` [1, n, D], which begin at row `first`. */
  private async answer(hidden: Tensor3D, {rows, labels}: Batch, first: number, into: Scored): Promise<void> {
    const end = first + hidden.shape[1];
    const inside = [...rows.keys()].filter(i => rows[i] >= first && rows[i] < end);
    if (inside.length === 0) return;
    const own = Int32Array.from(inside, i => rows[i] - first);
    const wanted = Int32Array.from(inside, i => labels[i]);
    const scored = await rowAnswers(this.model, hidden, own, wanted);
    for (const [j, i] of inside.entries()) {
      into.predicted[i] = scored.predicted[j];
      into.losses[i] = scored.losses[j];
    }
  }
}
