// A look into a model's memory, token by token, and what becomes of it when a stored token is forgotten, kept or swapped.

import type {Tensor, Tensor3D} from '@tensorflow/tfjs-core';
import {tensor2d, tensor3d} from '@tensorflow/tfjs-core';
import {SettingError} from '../../config/schema.js';
import {IGNORED} from '../../data/task.js';
import type {BMojoMixer, MixerAnalysis} from '../../layers/index.js';
import type {LanguageModel} from '../../models/index.js';
import {mixersOf} from '../../models/layer-plan.js';
import {nextTurn} from '../../models/turn.js';
import type {LayerMemory} from '../memory-view.js';
import {LayerRecord} from '../memory-view.js';
import type {InspectedToken} from './displacement.js';
import {displacements, withDisplacement} from './displacement.js';
import type {Intervention} from './interventions.js';
import {checkInterventions, intervene, ofLayer} from './interventions.js';
import type {MatchedArrays, ReadRow} from './reads.js';
import {readRows} from './reads.js';
import type {RowScores} from './row-scores.js';
import {probabilities, scoreRows} from './row-scores.js';

/** What `inspect` changes in the memory on the way, and what it measures the loss against. */
export interface InspectOptions {
  /** Default: none. */
  readonly interventions?: readonly Intervention[];
  /** Wanted token at each position [L], `IGNORED` where nothing is asked. Default: the next token. */
  readonly labels?: ArrayLike<number>;
  /** Ends it between two layers, or two stretches of answers. */
  readonly signal?: AbortSignal;
  /** Told the share of it that is done, above 0 and at most 1. */
  readonly onProgress?: (share: number) => void;
}

/** A layer's memory; its stored tokens tell what displaced them. */
export interface InspectedLayer extends LayerMemory {
  readonly stored?: readonly InspectedToken[];
  /** H; 0 without attention. */
  readonly heads: number;
  readonly window: number;
  readonly eideticSlots: number;
}

/** What a model does with one sequence [L] of tokens, layer by layer and position by position. */
export interface Inspection extends RowScores {
  readonly tokens: readonly number[];
  readonly layers: readonly InspectedLayer[];
  /** All rows that the query at `position` sees in a layer, heaviest first; none without attention. */
  reads(layer: number, position: number): ReadRow[];
  /** Distribution [V] of the token behind `position`; the model must not have been disposed. */
  next(position: number): Promise<Float32Array>;
}

/**
 * Runs one sequence of token ids [L] through the model and looks at every layer. An intervention changes what the queries
 * that could attend to its token find, in the layers that it names, and what follows from that; without any, everything is
 * what `analyze` and `hidden` give, bit for bit. Another window or number of slots: `withMemory`.
 * Errors: SettingError for no tokens, and for interventions that do not fit; the reason of `signal`.
 */
export async function inspect(
  model: LanguageModel,
  given: ArrayLike<number>,
  {interventions = [], labels, signal, onProgress}: InspectOptions = {},
): Promise<Inspection> {
  const tokens = Array.from(given);
  const {length} = tokens;
  if (length === 0) throw new SettingError('inspect: there must be at least one token, got none');
  const mixers = mixersOf(model.config);
  checkInterventions(interventions, length, mixers);
  const input = tensor2d(Int32Array.from(tokens), [1, length], 'int32');
  const layers: InspectedLayer[] = [];
  const matched: (MatchedArrays | undefined)[] = [];
  const passed = async (parts: number): Promise<void> => {
    onProgress?.(parts / (mixers.length + 1));
    await nextTurn();
    signal?.throwIfAborted();
  };
  const walk = model.mixers(input);
  let output: Tensor3D;
  try {
    let visit = walk.next();
    while (!visit.done) {
      const layer = layers.length;
      const own = ofLayer(interventions, layer);
      const analysis = await analysed(visit.value.mixer, visit.value.input, own);
      try {
        const record = new LayerRecord(mixers[layer]);
        await record.add(analysis, length);
        layers.push({layer, ...inspectedLayer(record.memory(tokens), own, mixers[layer], length)});
        matched.push(await matchedArrays(analysis));
        await passed(layers.length);
        visit = walk.next(analysis.y);
      } finally {
        disposeAnalysis(analysis);
      }
    }
    output = visit.value;
  } catch (error) {
    walk.throw(error); // which gives back what it holds
    throw error;
  } finally {
    input.dispose();
  }
  const width = output.shape[2];
  const hidden = Float32Array.from(await output.data<'float32'>());
  output.dispose();
  const wanted = labels ?? tokens.map((_, at) => tokens[at + 1] ?? IGNORED);
  return {
    tokens,
    layers,
    ...(await scoreRows(model, hidden, width, wanted, share => passed(layers.length + share))),
    reads: (layer, position) => {
      const arrays = matched[layer];
      return arrays === undefined ? [] : readRows(position, arrays, mixers[layer]);
    },
    next: position => probabilities(model, hidden.subarray(position * width, (position + 1) * width)),
  };
}

/** The analysis of a mixer; with interventions a second one, of what they make of what the first stored. */
async function analysed(
  mixer: BMojoMixer,
  input: Tensor3D,
  interventions: readonly Intervention[],
): Promise<MixerAnalysis> {
  const analysis = mixer.analyze(input, {rows: true});
  const {stored} = analysis;
  if (stored === undefined || interventions.length === 0) return analysis;
  const natural = Int32Array.from(await stored.data());
  const changed = intervene(natural, input.shape[1], mixer.settings, interventions);
  const positions = tensor3d(changed, stored.shape, 'int32');
  disposeAnalysis(analysis);
  // What is stored is the given tensor itself, which is disposed with the rest.
  return mixer.analyze(input, {rows: true, stored: positions});
}

function inspectedLayer(
  {innovation, stored, shares}: Omit<LayerMemory, 'layer'>,
  interventions: readonly Intervention[],
  settings: BMojoMixer['settings'],
  length: number,
): Omit<InspectedLayer, 'layer'> {
  const {window, eideticSlots} = settings;
  const put = new Set(
    interventions.flatMap(one => (one.kind === 'pin' ? [one.position] : one.kind === 'swap' ? [one.by] : [])),
  );
  return {
    innovation,
    stored:
      stored &&
      innovation &&
      withDisplacement(stored, natural(innovation, settings), put, {...settings, length}),
    shares,
    heads: shares?.length ?? 0,
    window,
    eideticSlots,
  };
}

/** By innovation alone it is known here which token displaced which. */
function natural(
  innovation: readonly number[],
  settings: BMojoMixer['settings'],
): ReadonlyMap<number, number> {
  return settings.eideticRule === 'innovation' ? displacements(innovation, settings) : new Map();
}

async function matchedArrays({
  queries,
  keys,
  fadingKeys,
  stored,
  retrieved,
  storageQueries,
  storageKeys,
}: MixerAnalysis): Promise<MatchedArrays | undefined> {
  if (queries === undefined || keys === undefined) return undefined;
  const [, length, heads, headWidth] = queries.shape;
  const floats = async (x: Tensor): Promise<Float32Array> => Float32Array.from(await x.data());
  return {
    queries: await floats(queries),
    keys: await floats(keys),
    fadingKeys: fadingKeys && (await floats(fadingKeys)),
    stored: stored && Int32Array.from(await stored.data()),
    ...(retrieved && storageQueries && storageKeys
      ? {
          storage: {
            queries: await floats(storageQueries),
            keys: await floats(storageKeys),
            retrieved: Int32Array.from(await retrieved.data()),
          },
        }
      : {}),
    length,
    heads,
    groups: keys.shape[2],
    headWidth,
  };
}

function disposeAnalysis(analysis: MixerAnalysis): void {
  for (const value of Object.values(analysis)) (value as Tensor | undefined)?.dispose();
}
