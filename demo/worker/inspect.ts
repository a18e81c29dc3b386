// A look into the memory of a model, and into the one that interventions make of it.

import {SettingError} from '../../config/index.js';
import type {Query} from '../../data/index.js';
import type {InspectedLayer, Inspection, InspectOptions, Intervention, ReadRow} from '../../eval/index.js';
import {inspect as look} from '../../eval/index.js';
import type {LanguageModel, ModelProgress} from '../../models/index.js';
import {parseModelConfig, stateBytes, withMemory} from '../../models/index.js';
import type {Call, Handler} from '../protocol.js';
import type {ChosenModel} from '../storage/chosen-model.js';
import type {Device} from './device.js';
import {ensureDevice} from './device.js';
import {beforeClosing, opened} from './opened.js';
import type {Sequence, SequenceSource} from './sequence.js';
import {pieceOf, sequenceOf} from './sequence.js';

/** What is other than the model has it. */
export interface Changes {
  readonly window?: number;
  readonly eideticSlots?: number;
  readonly interventions: readonly Intervention[];
}

export interface InspectRequest extends ChosenModel {
  readonly source: SequenceSource;
  readonly changes: Changes;
}

/** What is seen of a model at work. */
export interface Seen {
  readonly layers: readonly InspectedLayer[];
  /** Nats at each position [L]; NaN where nothing is asked. */
  readonly losses: Float32Array;
  /** What the model would say behind each position [L]. */
  readonly best: readonly string[];
  /** Of recall: whether each of `queries` is answered rightly. */
  readonly right: readonly boolean[];
}

export interface Looked {
  readonly device: Device;
  readonly pieces: readonly string[];
  readonly queries: readonly Query[];
  readonly window: number;
  readonly eideticSlots: number;
  readonly before: Seen;
  /** Present where something is changed. */
  readonly after?: Seen;
  /** Bytes of memory of one sequence after as many tokens: the model, and a Transformer of its width and depth. */
  readonly state: readonly {
    readonly tokens: number;
    readonly model: number;
    readonly transformer: number;
  }[];
}

/** Bytes of the model that came, or the share of the look that is done. */
export type InspectEvent =
  | {readonly type: 'bytes'; readonly progress: ModelProgress}
  | {readonly type: 'look'; readonly share: number};

export type InspectCall = Call<InspectRequest, InspectEvent, Looked>;

interface Held {
  readonly chosen: ChosenModel;
  readonly source: SequenceSource;
  readonly sequence: Sequence;
  readonly before: Inspection;
  after?: Inspection;
  /** The model with another memory, where there is one. */
  changed?: LanguageModel;
}

let held: Held | undefined;

function letGo(): void {
  held?.changed?.model.dispose();
  held = undefined;
}

const keyOf = ({chosen, source}: Pick<Held, 'chosen' | 'source'>): string => JSON.stringify([chosen, source]);

async function heldOf(chosen: ChosenModel, source: SequenceSource, options: InspectOptions): Promise<Held> {
  if (held !== undefined && keyOf(held) === keyOf({chosen, source})) return held;
  const {model, tokenizer, card} = await opened(chosen);
  const sequence = sequenceOf(source, model, tokenizer, card?.generation?.startTokens);
  const before = await look(model, sequence.tokens, {...options, labels: sequence.labels});
  letGo();
  beforeClosing(letGo);
  held = {chosen, source, sequence, before};
  return held;
}

export const inspect: Handler<'inspect'> = async ({model: name, dtype, source, changes}, {tell, signal}) => {
  const chosen = {model: name, dtype};
  const device = await ensureDevice();
  const onBytes = (progress: ModelProgress): void => tell({type: 'bytes', progress});
  const {model, tokenizer} = await opened(chosen, {onProgress: onBytes, signal});
  const options = {signal, onProgress: (share: number): void => tell({type: 'look', share})};
  const own = await heldOf(chosen, source, options);
  const {tokens, labels, pieces, queries} = own.sequence;
  const {window = model.config.window, eideticSlots = model.config.eideticSlots, interventions} = changes;
  const isResized = window !== model.config.window || eideticSlots !== model.config.eideticSlots;
  const changed = isResized ? withMemory(model, {window, eideticSlots}) : undefined;
  try {
    const isChanged = isResized || interventions.length > 0;
    const after = isChanged
      ? await look(changed ?? model, tokens, {...options, labels, interventions})
      : undefined;
    // Only now: where it is refused, what was seen before stands.
    own.changed?.model.dispose();
    own.changed = changed;
    own.after = after;
  } catch (error) {
    changed?.model.dispose();
    throw error;
  }
  const {vocabSize} = model.config;
  const seen = ({layers, losses, best}: Inspection): Seen => ({
    layers,
    losses,
    best: Array.from(best, id => pieceOf(id, source, vocabSize, tokenizer)),
    right: queries.map(({position}) => best[position] === labels?.[position]),
  });
  return {
    device,
    pieces,
    queries,
    window: model.config.window,
    eideticSlots: model.config.eideticSlots,
    before: seen(own.before),
    ...(own.after === undefined ? {} : {after: seen(own.after)}),
    state: stateCurve(model),
  };
};

function stateCurve(model: LanguageModel): Looked['state'] {
  const {dModel, layers, heads, kvHeads, headWidth, vocabSize} = model.config;
  const transformer = parseModelConfig({
    preset: 'transformer',
    ...{dModel, layers, heads, kvHeads, headWidth, vocabSize},
  });
  return Array.from({length: 17}, (_, power) => 2 ** power).map(tokens => ({
    tokens,
    model: model.stateBytes(tokens),
    transformer: stateBytes(transformer, tokens),
  }));
}

/** A token that may come next, and how likely it is. */
export interface NextToken {
  readonly piece: string;
  readonly before: number;
  /** Where something is changed. */
  readonly after?: number;
}

/** What one query reads, heaviest first, and what the model expects behind it. */
export interface Attended {
  readonly layer: number;
  readonly position: number;
  readonly before: readonly ReadRow[];
  readonly after?: readonly ReadRow[];
  readonly next: readonly NextToken[];
}

/** Of the model and sequence of the last `inspect`. */
export type AttendCall = Call<{readonly layer: number; readonly position: number}, never, Attended>;

/** Tokens that are told of a distribution, likeliest first. */
const MOST_NEXT = 6;

export const attend: Handler<'attend'> = async ({layer, position}) => {
  if (held === undefined) throw new SettingError('there is nothing to look at yet: choose a model');
  const {chosen, source, before, after} = held;
  const {model, tokenizer} = await opened(chosen);
  const [one, other] = [await before.next(position), await after?.next(position)];
  const likeliest = (shares: Float32Array): number[] =>
    [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, MOST_NEXT);
  const ids = new Set([...likeliest(one), ...(other === undefined ? [] : likeliest(other))]);
  return {
    layer,
    position,
    before: before.reads(layer, position),
    ...(after === undefined ? {} : {after: after.reads(layer, position)}),
    next: [...ids].map(id => ({
      piece: pieceOf(id, source, model.config.vocabSize, tokenizer),
      before: one[id],
      ...(other === undefined ? {} : {after: other[id]}),
    })),
  };
};
