// One text under way: the model's memory, the token that it has not seen yet, and how many tokens were chosen.

import type {Tensor2D} from '@tensorflow/tfjs-core';
import {tensor2d, tidy} from '@tensorflow/tfjs-core';
import {BmojoError} from '../errors/bmojo-error.js';
import type {NamedTensorData} from '../formats/safetensors.js';
import {decodeSafetensors, encodeSafetensors} from '../formats/safetensors.js';
import {FLOAT_BYTES} from '../layers/state.js';
import type {ModelConfig} from './config.js';
import {parseModelConfig} from './config.js';
import type {LanguageModel} from './language-model.js';
import type {SamplingSettings} from './sampling.js';
import {sampleToken} from './sampling.js';
import type {ModelState} from './state.js';
import {disposeModelState, ModelStateError, stateArrays, stateFromArrays, stateList} from './state.js';
import {TokenStep} from './token-step.js';

/** A saved decoding state that is damaged or belongs to another model. */
export class DecodingStateError extends BmojoError {
  override readonly name = 'DecodingStateError';
  readonly kind = 'damage';
}

const FORMAT = 'bmojo decoding state 1';

export interface SessionOptions {
  /** Tokens of a piece of the prompt. Default 512. */
  readonly chunk?: number;
  /** Names the weights in saved states, so that others are refused. Default ''. */
  readonly weights?: string;
  /** On webgpu, record the commands of a token's step once and replay them: same numbers, less time. Default true. */
  readonly capture?: boolean;
}

export class DecodingSession {
  private state: ModelState;
  /** The last token: known, but not fed to the model yet. */
  private pending: number | undefined;
  private draws = 0;
  private readonly tokenStep: TokenStep;
  private readonly chunk: number;
  private readonly weights: string;

  constructor(
    readonly model: LanguageModel,
    {chunk = 512, weights = '', capture = true}: SessionOptions = {},
  ) {
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

  /** Reads tokens in pieces. Errors: RangeError for an id outside the vocabulary. */
  read(tokens: ArrayLike<number>): void {
    const {vocabSize} = this.model.config;
    const all = Int32Array.from([
      ...(this.pending === undefined ? [] : [this.pending]),
      ...Array.from(tokens),
    ]);
    const bad = all.find(id => id < 0 || id >= vocabSize);
    if (bad !== undefined)
      throw new RangeError(`DecodingSession: tokens must lie in [0, ${vocabSize}), got ${bad}`);
    if (all.length === 0) return;
    this.pending = undefined;
    const last = all.length - 1;
    for (let at = 0; at < last; at += this.chunk) {
      const piece = all.subarray(at, Math.min(last, at + this.chunk));
      this.replaceState(tidy(() => this.advance(piece)));
    }
    this.pending = all[last];
  }

  /** Logits of the token after the last one, [V]. Errors: Error before any token was read. */
  async logits(): Promise<Float32Array> {
    const {pending} = this;
    if (pending === undefined) throw new Error('DecodingSession: read at least one token first');
    const {logits, state} = await this.tokenStep.run(pending, this.state);
    this.pending = undefined;
    this.replaceState(state);
    const values = await logits.data<'float32'>();
    logits.dispose();
    return values;
  }

  /** Chooses the next token and makes it the last one. */
  async write(sampling: SamplingSettings): Promise<number> {
    const token = sampleToken(await this.logits(), sampling, this.draws++);
    this.pending = token;
    return token;
  }

  /** Everything that the session needs to go on, as a safetensors file. */
  async save(): Promise<Uint8Array> {
    return encodeSafetensors(await stateArrays(this.state), {
      format: FORMAT,
      model: JSON.stringify(this.model.config),
      weights: this.weights,
      position: String(this.state.position),
      pending: String(this.pending ?? ''),
      draws: String(this.draws),
    });
  }

  /**
   * Replaces the session's state by a saved one; what follows equals what would have followed there, bit for bit.
   * Errors: DecodingStateError for the state of another model; SafetensorsError for a damaged file.
   */
  restore(bytes: Uint8Array): void {
    const {tensors, metadata} = decodeSafetensors(bytes);
    if (metadata.get('format') !== FORMAT)
      throw new DecodingStateError(
        `decoding state: must be of format '${FORMAT}', got '${metadata.get('format')}'`,
      );
    if (!isOfModel(metadata.get('model'), this.model.config))
      throw new DecodingStateError('decoding state: belongs to a model of other settings');
    if (metadata.get('weights') !== this.weights)
      throw new DecodingStateError('decoding state: belongs to other weights of this model');
    const whole = (key: string): number => {
      const value = Number(metadata.get(key));
      if (!Number.isSafeInteger(value) || value < 0)
        throw new DecodingStateError(
          `decoding state: ${key} must be a whole number, got ${metadata.get(key)}`,
        );
      return value;
    };
    const position = whole('position');
    this.replaceState(this.storedState(position, tensors));
    this.pending = metadata.get('pending') === '' ? undefined : whole('pending');
    this.draws = whole('draws');
  }

  dispose(): void {
    this.tokenStep.dispose();
    disposeModelState(this.state);
  }

  /** Errors: DecodingStateError. */
  private storedState(position: number, arrays: readonly NamedTensorData[]): ModelState {
    try {
      return stateFromArrays(this.model.stateShapes(position), arrays, 1);
    } catch (error) {
      if (!(error instanceof ModelStateError)) throw error;
      throw new DecodingStateError(`decoding state: ${error.message}`);
    }
  }

  private advance(tokens: Int32Array): ModelState {
    const ids: Tensor2D = tensor2d(tokens, [1, tokens.length], 'int32');
    return this.model.advance(ids, this.state).state;
  }

  private replaceState(next: ModelState): void {
    disposeModelState(this.state);
    this.state = next;
  }
}

/** Whether stored settings, which may lack those that came later, make the same model. */
function isOfModel(stored: string | undefined, config: ModelConfig): boolean {
  try {
    return JSON.stringify(parseModelConfig(JSON.parse(stored ?? ''))) === JSON.stringify(config);
  } catch {
    return false;
  }
}
