// What a token costs while memory is in a store outside the model: searched at every token, appended to behind every window.

import {setImmediate as eventLoop} from 'node:timers/promises';
import {parseSettings} from '../config/schema.js';
import {randomStream} from '../data/random.js';
import type {MemoryPrecision, MemoryStore} from '../memory/index.js';
import {queuedMemory} from '../memory/index.js';
import type {ModelConfig} from '../models/config.js';
import {DecodingSession} from '../models/decoding-session.js';
import {LanguageModel} from '../models/language-model.js';
import {memoryFormat} from '../models/session-memory.js';
import {samplingSchema} from '../models/token-sampling.js';
import type {FillProgress, MeasuredPlace, Quantiles} from './memory.js';
import {fillStore, quantiles} from './memory.js';

export interface MemoryDecodeSettings {
  /** With memory in storage in at least one layer. */
  readonly model: Partial<ModelConfig>;
  readonly places: readonly MeasuredPlace[];
  /** Rows of the stream before the first token, ascending. */
  readonly rows: readonly number[];
  readonly precision: MemoryPrecision;
  /** Tokens that are timed. */
  readonly tokens: number;
  readonly onFill?: FillProgress;
}

export interface MemoryDecodeTiming {
  /** `none`: the model without storage. */
  readonly place: string;
  /** Rows in the stream when the first token was read. */
  readonly rows: number;
  readonly tokenMs: Quantiles;
  /** Time of this process's processor: what others on the machine take is not in it, nor waiting for the disk. */
  readonly tokenCpuMs: Quantiles;
  /** Tokens in which an update was under way at some time. */
  readonly during: number;
  /** Times of those alone; where there are none, absent. */
  readonly duringMs?: Quantiles;
  readonly duringCpuMs?: Quantiles;
}

/** Updates under way at most: a store that falls behind then holds tokens up. */
const QUEUE = 64;

/** A store that tells whether an update was under way since it was last asked. */
class WatchedStore {
  readonly store: MemoryStore;
  private underWay = 0;
  private wasUnderWay = false;

  constructor(store: MemoryStore) {
    this.store = {
      format: store.format,
      append: async batch => {
        this.underWay++;
        this.wasUnderWay = true;
        try {
          await store.append(batch);
        } finally {
          this.underWay--;
        }
      },
      search: query => store.search(query),
      forget: selection => store.forget(selection),
      snapshot: selection => store.snapshot(selection),
      stats: () => store.stats(),
      close: () => store.close(),
    };
  }

  /** Asking the store itself would wait for its updates. */
  updated(): boolean {
    const updated = this.wasUnderWay;
    this.wasUnderWay = this.underWay > 0;
    return updated;
  }
}

type TokenTimes = Omit<MemoryDecodeTiming, 'place' | 'rows'>;

/**
 * Times of `tokens` tokens behind those of two windows, after which updates are under way. A turn of the event loop belongs to
 * each, as in a program that hands tokens on: files are written in it.
 */
async function tokenTimes(
  session: DecodingSession,
  {vocabSize, window}: ModelConfig,
  tokens: number,
  updated: () => boolean = () => false,
): Promise<TokenTimes> {
  const random = randomStream([11, 13], 0);
  const sampling = parseSettings('bench', samplingSchema, {});
  await session.read(Int32Array.from({length: 2 * window + 1}, () => random.integer(vocabSize)));
  updated();
  const steps: {ms: number; cpuMs: number; during: boolean}[] = [];
  for (let token = 0; token < tokens; token++) {
    const [began, used] = [performance.now(), process.cpuUsage()];
    await session.write(sampling);
    await eventLoop();
    const ms = performance.now() - began;
    const {user, system} = process.cpuUsage(used);
    steps.push({ms, cpuMs: (user + system) / 1000, during: updated()});
  }
  const during = steps.filter(step => step.during);
  return {
    tokenMs: quantiles(steps.map(({ms}) => ms)),
    tokenCpuMs: quantiles(steps.map(({cpuMs}) => cpuMs)),
    during: during.length,
    ...(during.length === 0
      ? {}
      : {
          duringMs: quantiles(during.map(({ms}) => ms)),
          duringCpuMs: quantiles(during.map(({cpuMs}) => cpuMs)),
        }),
  };
}

/** Untrained models, whose weights' values change no cost: without storage first, then each place at each size. */
export async function* benchMemoryDecode({
  model: given,
  places,
  rows,
  precision,
  tokens,
  onFill = () => {},
}: MemoryDecodeSettings): AsyncGenerator<MemoryDecodeTiming, void, void> {
  const plain = LanguageModel.create({...given, storage: 0});
  const without = new DecodingSession(plain);
  yield {place: 'none', rows: 0, ...(await tokenTimes(without, plain.config, tokens))};
  without.dispose();
  plain.model.dispose();
  const model = LanguageModel.create(given);
  const weights = 'bench';
  const format = memoryFormat(model, {weights, precision});
  for (const place of places) {
    for (const size of rows) {
      // A stream for each size: to take back what a session left would cost some stores more than to fill them again.
      const stream = `bench ${size}`;
      const filling = await place.open(format);
      for (const layer of format.layers)
        await fillStore(filling, {stream, layer, from: 0, to: size}, at => onFill(place.name, at, size));
      const watched = new WatchedStore((await place.filled?.(filling)) ?? filling);
      const store = queuedMemory(watched.store, {limit: QUEUE});
      try {
        const session = new DecodingSession(model, {weights, memory: {store, stream}});
        const times = await tokenTimes(session, model.config, tokens, () => watched.updated());
        session.dispose();
        yield {place: place.name, rows: size, ...times};
      } finally {
        await store.close();
      }
    }
  }
  model.model.dispose();
}
