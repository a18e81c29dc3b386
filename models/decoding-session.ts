// One text under way: the model's memory, the token that it has not seen yet, and how many tokens were chosen.

import type {Tensor2D} from '@tensorflow/tfjs-core';
import {dispose, tensor2d, tidy} from '@tensorflow/tfjs-core';
import {parseSettings} from '../config/schema.js';
import {refuse} from '../custom-ops/check.js';
import {BmojoError} from '../errors/bmojo-error.js';
import {FLOAT_BYTES} from '../layers/state.js';
import {Breath} from './breath.js';
import {checkModel} from './check-arguments.js';
import type {StateOwner} from './decoding-state.js';
import {decodeSession, encodeSession} from './decoding-state.js';
import type {LanguageModel} from './language-model.js';
import type {SessionMemoryOptions} from './session-memory.js';
import {SessionMemory} from './session-memory.js';
import type {PartialSamplingSettings} from './settings.generated.js';
import type {ModelState} from './state.js';
import {disposeModelState, stateList} from './state.js';
import {MOST_RECENT, sampleToken, samplingSchema, withPenalty} from './token-sampling.js';
import {TokenStep} from './token-step.js';
import type {WritableIds} from './writable-ids.js';
import {checkWritable, writableLogits} from './writable-ids.js';

/** A call that a session cannot answer now: it is disposed, busy with another, or has read nothing. */
export class DecodingSessionError extends BmojoError {
  override readonly name = 'DecodingSessionError';
  readonly kind = 'misuse';

  constructor(reason: string) {
    super(`DecodingSession.${reason}`);
  }
}

/** Options of {@link DecodingSession.read}, all of which may be left out. */
export interface ReadOptions {
  /** When aborted, no further chunk is read. */
  readonly signal?: AbortSignal;
  /** Told after each chunk how many of the tokens are read. */
  readonly onProgress?: (done: number, of: number) => void;
}

/** What follows the last token. */
interface ComputedStep {
  /** [V]. */
  readonly logits: Float32Array;
  readonly state: ModelState;
}

/** Options of {@link DecodingSession}; defaults stand beside each. */
export interface SessionOptions {
  /** Tokens of a chunk of the prompt. Default 512. */
  readonly chunk?: number;
  /** Names the weights in saved states, so that others are refused. Default ''. */
  readonly weights?: string;
  /** On webgpu, record the commands of a token's step once and replay them: same numbers, less time. Default true. */
  readonly capture?: boolean;
  /** A store of memory that holds what leaves the windows, and whose it is. Default: the layers hold it themselves. */
  readonly memory?: SessionMemoryOptions;
}

/** A text under way on a model: reads, writes, is saved and restored; one call at a time. */
export class DecodingSession {
  private state: ModelState;
  /** The last token: known, but not fed to the model yet. */
  private pending: number | undefined;
  private computed: ComputedStep | undefined;
  private draws = 0;
  /** The last tokens that were read or written, `MOST_RECENT` of them or more. */
  private recent: number[] = [];
  /** The call that is under way. */
  private busy: string | undefined;
  private isDisposed = false;
  private readonly tokenStep: TokenStep;
  private readonly memory?: SessionMemory;
  /** Tokens of a chunk of the prompt. */
  readonly chunk: number;
  private readonly weights: string;

  /** Errors: ArgumentError for what is no model; SettingError for a store of memory that is not this model's. */
  constructor(
    readonly model: LanguageModel,
    {chunk = 512, weights = '', capture = true, memory}: SessionOptions = {},
  ) {
    checkModel('DecodingSession', model);
    if (memory !== undefined) this.memory = new SessionMemory(model, memory, weights);
    this.state = model.initialState(1);
    this.tokenStep = new TokenStep(model, capture);
    this.chunk = chunk;
    this.weights = weights;
  }

  /** Tokens read and written so far. */
  get position(): number {
    return this.state.position + (this.pending === undefined ? 0 : 1);
  }

  /** Tokens so far whose step was a replay of recorded commands, on webgpu. */
  get replays(): number {
    return this.tokenStep.replays;
  }

  /** Bytes of the memory that the session holds on the device. */
  get stateBytes(): number {
    return stateList(this.state).reduce((total, held) => total + FLOAT_BYTES * held.size, 0);
  }

  /**
   * Reads tokens in chunks, between which timers, signals and the page get their turn.
   * Errors: ArgumentError for an id outside the vocabulary, before anything is read; the signal's reason when it is aborted:
   * the tokens read until then stay read (`position`). DecodingSessionError while another call is under way.
   */
  async read(tokens: ArrayLike<number>, {signal, onProgress}: ReadOptions = {}): Promise<void> {
    await this.alone('read', async () => {
      const given = this.checkedIds(tokens);
      signal?.throwIfAborted();
      if (given.length === 0) return;
      this.takeStep();
      const all = this.pending === undefined ? given : Int32Array.from([this.pending, ...given]);
      const last = all.length - 1;
      let known = all.length - given.length;
      const breath = new Breath();
      for (let at = 0; at < last; ) {
        const room = Math.min(this.chunk, this.memory?.room(this.state.position) ?? this.chunk);
        const chunk = all.subarray(at, Math.min(last, at + room));
        this.replaceState(await this.advance(chunk));
        at += chunk.length;
        this.pending = all[at];
        this.remember(all.subarray(known, at + 1));
        known = at + 1;
        onProgress?.(at + given.length - all.length, given.length);
        await breath.take();
        if (this.isDisposed) throw new DecodingSessionError('read: the session was disposed');
        if (at < last) signal?.throwIfAborted();
      }
      this.pending = all[last];
      this.remember(all.subarray(known));
      onProgress?.(given.length, given.length);
    });
  }

  /** Logits of the token after the last one, [V]. Errors: DecodingSessionError before any token was read. */
  async logits(): Promise<Float32Array> {
    return this.alone('logits', async () => (await this.step()).logits.slice());
  }

  /**
   * Chooses the next token among the ids that may be written, by default the whole vocabulary, and makes it the last one.
   * Errors: as `logits`; SettingError; ArgumentError where no id may be written; LogitsError where the model's logits are no
   * numbers to choose by: the session is then as it was.
   */
  async write(given: PartialSamplingSettings = {}, which: WritableIds = {}): Promise<number> {
    const sampling = parseSettings('DecodingSession.write', samplingSchema, given);
    checkWritable('DecodingSession.write', which, this.model.vocabSize);
    return this.alone('write', async () => {
      const {logits} = await this.step();
      const possible = withPenalty(writableLogits(logits, which), this.recent, sampling);
      const token = sampleToken(possible, sampling, this.draws);
      this.takeStep();
      this.draws++;
      this.pending = token;
      this.remember([token]);
      return token;
    });
  }

  /** Everything that the session needs to go on, as a safetensors file. */
  async save(): Promise<Uint8Array> {
    return this.alone('save', () => this.saved());
  }

  /**
   * Replaces the session's state by a saved one; what follows equals what would have followed there, bit for bit.
   * Errors: DecodingStateError for the state of another model; SafetensorsError for a damaged file; the session is then as
   * it was.
   */
  restore(bytes: Uint8Array): void {
    if (!(bytes instanceof Uint8Array)) refuse('DecodingSession.restore', 'bytes', 'what `save` gave', bytes);
    this.refuseOverlap('restore');
    const outside = this.memory !== undefined;
    const {state, pending, draws, recent, place} = decodeSession(bytes, {...this.owner, outside});
    try {
      this.memory?.restore(place);
    } catch (error) {
      disposeModelState(state);
      throw error;
    }
    this.replaceState(state);
    this.pending = pending;
    this.draws = draws;
    this.recent = [...recent];
  }

  /**
   * Hands everything read to the store of memory, what is still in the windows too, and waits until it is there: at the end of
   * a conversation, so that later ones remember all of it. Without a store there is nothing to do.
   * Errors: MemoryStoreError for what the store refused.
   */
  async settle(): Promise<void> {
    await this.alone('settle', async () => this.memory?.settle(this.state));
  }

  /** Frees the memory; a call that is under way fails, and frees it then. */
  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    if (this.busy === undefined) this.free();
  }

  private free(): void {
    this.tokenStep.dispose();
    this.forgetStep();
    disposeModelState(this.state);
  }

  /** Runs one call at a time: two that take turns in between would mix their tokens. */
  private async alone<T>(call: string, body: () => Promise<T>): Promise<T> {
    this.refuseOverlap(call);
    this.busy = call;
    try {
      return await body();
    } finally {
      this.busy = undefined;
      if (this.isDisposed) this.free();
    }
  }

  private refuseOverlap(call: string): void {
    if (this.isDisposed) throw new DecodingSessionError(`${call}: the session is disposed`);
    if (this.busy !== undefined)
      throw new DecodingSessionError(
        `${call}: a call of ${this.busy} is under way on this session; await it first`,
      );
  }

  private remember(tokens: ArrayLike<number>): void {
    this.recent.push(...Array.from(tokens).slice(-MOST_RECENT));
    if (this.recent.length > 2 * MOST_RECENT) this.recent = this.recent.slice(-MOST_RECENT);
  }

  private checkedIds(tokens: ArrayLike<number>): Int32Array {
    const {vocabSize} = this.model;
    if (typeof tokens?.length !== 'number') refuse('DecodingSession.read', 'tokens', 'a list of ids', tokens);
    const ids = Array.from(tokens);
    const bad = ids.find(id => !Number.isInteger(id) || id < 0 || id >= vocabSize);
    if (bad !== undefined) refuse('DecodingSession.read', 'tokens', `ids in [0, ${vocabSize})`, bad);
    return Int32Array.from(ids);
  }

  /** The step of the last token: computed once, whoever asks for it. */
  private async step(): Promise<ComputedStep> {
    if (this.computed !== undefined) return this.computed;
    if (this.pending === undefined)
      throw new DecodingSessionError('logits: read at least one token first, there is nothing to go on from');
    const {logits, state} =
      this.memory === undefined
        ? await this.tokenStep.run(Int32Array.of(this.pending), this.state)
        : await this.memory.run(this.pending, this.state);
    const values = await logits.data<'float32'>();
    logits.dispose();
    this.computed = {logits: values, state};
    return this.computed;
  }

  /** Makes the memory after the last token the session's, where it is computed. */
  private takeStep(): void {
    if (this.computed === undefined) return;
    const {state} = this.computed;
    this.computed = undefined;
    this.replaceState(state);
    this.pending = undefined;
  }

  private forgetStep(): void {
    if (this.computed !== undefined) disposeModelState(this.computed.state);
    this.computed = undefined;
  }

  /** Whose saved states are. */
  private get owner(): StateOwner {
    return {model: this.model, weights: this.weights};
  }

  private async saved(): Promise<Uint8Array> {
    const {state, pending, draws, recent} = this;
    const place = (await this.memory?.place()) ?? '';
    const saved = this.model.withRoom(state);
    const parts = {state: saved, pending, draws, recent: recent.slice(-MOST_RECENT), place};
    try {
      return await encodeSession(parts, this.owner);
    } finally {
      const own = new Set(stateList(state));
      dispose(stateList(saved).filter(held => !own.has(held)));
    }
  }

  private async advance(tokens: Int32Array): Promise<ModelState> {
    if (this.memory !== undefined) return this.memory.read(tokens, this.state);
    return tidy(() => {
      const ids: Tensor2D = tensor2d(tokens, [1, tokens.length], 'int32');
      return this.model.advance(ids, this.state).state;
    });
  }

  private replaceState(next: ModelState): void {
    this.forgetStep();
    disposeModelState(this.state);
    this.state = next;
  }
}
