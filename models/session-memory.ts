// A session's memory in a store outside the model: what its layers retrieve from it, and what they hand to it.

import type {Tensor, Tensor2D, Tensor4D} from '@tensorflow/tfjs-core';
import {dispose, reshape, tensor, tensor2d} from '@tensorflow/tfjs-core';
import {SettingError, said} from '../config/schema.js';
import {shown} from '../errors/shown.js';
import type {BMojoMixer, RetrievedRows} from '../layers/index.js';
import {storedTokens} from '../layers/storage-layout.js';
import type {MemoryFormat, MemoryStore} from '../memory/index.js';
import type {LanguageModel} from './language-model.js';
import type {StorageVisit} from './mixer-blocks.js';
import type {ModelState} from './state.js';
import {disposeModelState} from './state.js';
import type {TokenStepResult} from './token-step.js';

/** The store that holds what leaves a session's windows, and the name of the session's own memory in it. */
export interface SessionMemoryOptions {
  /** Where rows are kept, of the format that {@link memoryFormat} gives; the caller closes it. */
  readonly store: MemoryStore;
  /** Sessions of one stream share a memory: what one read, a later one remembers. Default 'default'. */
  readonly stream?: string;
}

/**
 * What a store must be to hold the memory of a model: layers that retrieve, G, Dh. `weights` names the weights, such as their
 * SHA-256; `precision` by default f32.
 * Errors: SettingError for a model that has no memory in storage, or layers of several shapes.
 */
export function memoryFormat(
  model: LanguageModel,
  {weights, precision = 'f32'}: {readonly weights: string; readonly precision?: MemoryFormat['precision']},
): MemoryFormat {
  const mixers = model.storageMixers();
  const shapes = mixers.map(({mixer}) => mixer.storedShape(model.dModel));
  const [first] = shapes;
  if (first === undefined)
    throw new SettingError(
      'memory',
      said`the model retrieves nothing; it must be trained with {storage} above 0`,
    );
  if (shapes.some(({groups, width}) => groups !== first.groups || width !== first.width))
    throw new SettingError('memory: all layers with storage must have the same key heads and head width');
  return {model: weights, layers: mixers.map(({layer}) => layer), ...first, precision};
}

export class SessionMemory {
  private readonly store: MemoryStore;
  private readonly stream: string;
  /** Position in the stream of the session's first token; known once the store was asked. */
  private base: number | undefined;
  /** Tokens of the session that were handed to the store, by layer. */
  private readonly handed = new Map<number, number>();
  /** What the store refused of what was handed to it; told at the next call. */
  private failure: unknown;
  private readonly underWay = new Set<Promise<void>>();

  /** Errors: SettingError for a store of another format, and where positions are true ones. */
  constructor(
    private readonly model: LanguageModel,
    {store, stream = 'default'}: SessionMemoryOptions,
    weights: string,
  ) {
    const {format} = store;
    const wanted = memoryFormat(model, {weights, precision: format.precision});
    const isSame = weights === '' || format.model === weights;
    if (!isSame || JSON.stringify({...wanted, model: ''}) !== JSON.stringify({...format, model: ''}))
      throw new SettingError(
        `memory: the store must be one of this model, ${JSON.stringify(wanted)}, got ${JSON.stringify(format)}`,
      );
    if (model.storageMixers().some(({mixer}) => mixer.settings.storagePositions === 'true'))
      throw new SettingError(
        'memory',
        said`{storagePositions} must be 'clamped' or 'none' with a store, where tokens of earlier sessions have no distance, got 'true'`,
      );
    this.store = store;
    this.stream = stream;
  }

  /** How many tokens the next step may take: all of them must see the same storage. */
  room(position: number): number {
    return Math.min(
      ...this.model
        .storageMixers()
        .map(({mixer: {settings}}) => settings.window - (position % settings.window)),
    );
  }

  /** Hidden states of the next tokens [1, L] are dropped: the memory behind them. */
  async read(tokens: Int32Array, state: ModelState): Promise<ModelState> {
    const {hidden, state: next} = await this.advance(tokens, state);
    hidden.dispose();
    return next;
  }

  /** As `TokenStep.run`. */
  async run(token: number, state: ModelState): Promise<TokenStepResult> {
    const {hidden, state: next} = await this.advance(Int32Array.of(token), state);
    const rows: Tensor2D = reshape(hidden, [1, hidden.shape[2]]);
    const logits = this.model.logits(rows);
    hidden.dispose();
    rows.dispose();
    return {logits, state: next};
  }

  /** Where the session stands in its stream, for saved states. */
  async place(): Promise<string> {
    const place: Place = {base: await this.streamBase(), handed: [...this.handed]};
    return JSON.stringify(place);
  }

  /** Goes on from what `place` said. Errors: SettingError for anything else. */
  restore(text: string): void {
    const {base, handed} = parsePlace(text);
    this.base = base;
    this.handed.clear();
    for (const [layer, tokens] of handed) this.handed.set(layer, tokens);
  }

  /** Hands all tokens of a state to the store, those of the windows too, and waits for it. Errors: what the store refused. */
  async settle(state: ModelState): Promise<void> {
    const base = await this.streamBase();
    if (state.position > 0) {
      for (const {layer, mixer} of this.model.storageMixers()) {
        await this.handChunk(layer, mixer, state, base);
        await this.hand(layer, mixer, state, {base, begin: this.handed.get(layer) ?? 0, end: state.position});
      }
    }
    await this.landed();
  }

  /** Waits until the store holds what it was handed. Errors: what it refused. */
  async landed(): Promise<void> {
    await Promise.all(this.underWay);
    this.throwFailure();
  }

  /** Removes everything that the session handed to the store, which is then as the session found it. */
  async withdraw(): Promise<void> {
    await Promise.all(this.underWay);
    if (this.handed.size > 0)
      await this.store.forget({streams: [this.stream], from: await this.streamBase()});
    this.handed.clear();
  }

  /** Hidden states [1, L, D] of the next tokens, at most `room` of them, and the memory behind them. Errors: what the store refused. */
  async advance(tokens: Int32Array, state: ModelState): ReturnType<LanguageModel['advanceWith']> {
    this.throwFailure();
    const base = await this.streamBase();
    const ids = tensor2d(tokens, [1, tokens.length], 'int32');
    const next = await this.model
      .advanceWith(visit => this.retrieve(visit, base), ids, state)
      .finally(() => ids.dispose());
    try {
      for (const {layer, mixer} of this.model.storageMixers())
        await this.handChunk(layer, mixer, next.state, base);
    } catch (error) {
      next.hidden.dispose();
      disposeModelState(next.state);
      throw error;
    }
    return next;
  }

  private throwFailure(): void {
    const {failure} = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }

  /** A session goes on behind what its stream holds. */
  private async streamBase(): Promise<number> {
    if (this.base !== undefined) return this.base;
    const {parts} = await this.store.stats();
    const own = parts.filter(({stream}) => stream === this.stream);
    this.base = own.reduce((most, {last}) => Math.max(most, last + 1), 0);
    return this.base;
  }

  private async retrieve(
    {layer, mixer, queries, position}: StorageVisit,
    base: number,
  ): Promise<RetrievedRows | undefined> {
    const {settings} = mixer;
    const before = base + storedTokens(settings, position + 1);
    if (before === 0) return undefined;
    const [, length, groups, width] = queries.shape;
    const {storage: count} = settings;
    const hits = await this.store.search({
      stream: this.stream,
      layer,
      queries: Float32Array.from(await queries.data<'float32'>()),
      count,
      before: new Int32Array(length).fill(before),
    });
    if (hits.positions.every(at => at < 0)) return undefined;
    // Query l's hits are rows l K to l K + K - 1.
    const rows = hits.positions.map((at, i) =>
      at < 0 ? -1 : Math.floor(i / (groups * count)) * count + (i % count),
    );
    const laid = (vectors: Float32Array): Tensor4D =>
      tensor(byRank(vectors, {length, groups, count, width}), [1, length * count, groups, width]);
    return {
      keys: laid(hits.keys),
      values: laid(hits.values),
      rows: tensor(rows, [1, length, groups, count], 'int32'),
    };
  }

  /** Hands the last whole chunk to the store, a chunk before queries may see it: the store has that long to keep up. */
  private async handChunk(layer: number, mixer: BMojoMixer, state: ModelState, base: number): Promise<void> {
    const {window} = mixer.settings;
    const end = wholeChunks(state.position, window);
    if (end > (this.handed.get(layer) ?? 0))
      await this.hand(layer, mixer, state, {base, begin: end - window, end});
  }

  /** Hands tokens to the store that it was not handed before; that they land is waited for elsewhere. */
  private async hand(
    layer: number,
    mixer: BMojoMixer,
    state: ModelState,
    {base, begin, end}: {readonly base: number; readonly begin: number; readonly end: number},
  ): Promise<void> {
    const handed = this.handed.get(layer) ?? 0;
    this.handed.set(layer, end);
    const count = end - begin;
    if (count === 0) return;
    const {keys, values, entered, innovation} = mixer.leaving(
      this.model.mixerState(state, layer),
      state.position,
      begin,
      end,
    );
    const [keyNumbers, valueNumbers, flags] = await Promise.all([keys, values, entered].map(floats));
    const scores = innovation === undefined ? new Float32Array(count) : await floats(innovation);
    dispose([keys, values, entered, ...(innovation === undefined ? [] : [innovation])]);
    const chosen = [...flags.keys()].filter(i => flags[i] > 0 && begin + i >= handed);
    const picked = (numbers: Float32Array): Float32Array => {
      const size = numbers.length / count;
      return Float32Array.from(chosen.flatMap(i => [...numbers.subarray(i * size, (i + 1) * size)]));
    };
    const landed: Promise<void> = this.store
      .append({
        stream: this.stream,
        layer,
        positions: Int32Array.from(chosen, i => base + begin + i),
        innovations: picked(scores),
        keys: picked(keyNumbers),
        values: picked(valueNumbers),
      })
      .catch((error: unknown) => {
        this.failure ??= error;
      })
      .finally(() => this.underWay.delete(landed));
    this.underWay.add(landed);
  }
}

async function floats(x: Tensor): Promise<Float32Array> {
  return Float32Array.from(await x.data<'float32'>());
}

/** What saved states say of a session's stream. */
interface Place {
  readonly base: number;
  /** Tokens of the session that were handed over, by layer. */
  readonly handed: readonly (readonly [layer: number, tokens: number])[];
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function parsePlace(text: string): Place {
  try {
    const {base, handed} = JSON.parse(text);
    const isPlace =
      Array.isArray(handed) &&
      handed.every(one => Array.isArray(one) && one.length === 2 && one.every(isCount));
    if (isCount(base) && isPlace) return {base, handed};
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  throw new SettingError(`memory: the place in a stream must be as it was saved, got ${shown(text)}`);
}

/** Tokens in whole chunks before the chunk of the last of `position` tokens. */
function wholeChunks(position: number, window: number): number {
  return position === 0 ? 0 : Math.floor((position - 1) / window) * window;
}

interface HitSizes {
  readonly length: number;
  readonly groups: number;
  readonly count: number;
  readonly width: number;
}

/** [L, G, K, Dh] as [L, K, G, Dh]. */
function byRank(vectors: Float32Array, {length, groups, count, width}: HitSizes): Float32Array {
  const laid = new Float32Array(vectors.length);
  for (let t = 0; t < length; t++)
    for (let group = 0; group < groups; group++)
      for (let rank = 0; rank < count; rank++) {
        const from = ((t * groups + group) * count + rank) * width;
        laid.set(vectors.subarray(from, from + width), ((t * count + rank) * groups + group) * width);
      }
  return laid;
}
