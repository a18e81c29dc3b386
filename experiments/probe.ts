// What a language model does with one held-out sample: how its memories are used, layer by layer, and what it writes.

import {memoryView} from '../eval/memory-view.js';
import type {SequenceModel} from '../models/create.js';
import {LanguageModel} from '../models/language-model.js';
import {mixersOf} from '../models/layer-plan.js';

/** What was seen at an evaluation, beside its report. */
export interface Probe {
  /** By name: slots in use as a share, innovation of stored and of all tokens, by layer. */
  readonly memory: Readonly<Record<string, number>>;
  /** A text that the model writes, where it writes any. */
  readonly text?: string;
}

/** Tokens of a sample that are looked at, at most. */
const MOST_TOKENS = 512;

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Numbers of a layer are missing where it has no such memory. */
async function memoryFigures(model: LanguageModel, sample: Int32Array): Promise<Record<string, number>> {
  const {tokens, layers} = await memoryView(model, sample.subarray(0, MOST_TOKENS));
  const mixers = mixersOf(model.config);
  return Object.fromEntries(
    layers.flatMap(({layer, innovation = [], stored = []}) => {
      const {eideticSlots} = mixers[layer];
      const kept = stored.filter(({until}) => until === tokens.length);
      const name = `memory/layer_${layer}`;
      return [
        ...(eideticSlots > 0 ? [[`${name}/slots_in_use`, kept.length / eideticSlots] as const] : []),
        ...(innovation.length > 0 ? [[`${name}/innovation`, mean(innovation)] as const] : []),
        ...(kept.length > 0
          ? [[`${name}/innovation_stored`, mean(kept.map(one => one.innovation))] as const]
          : []),
      ];
    }),
  );
}

/** Looks at a model between two updates; nothing of it changes. Undefined for models that are no language models. */
export async function probe(
  model: SequenceModel,
  {sample, write}: {sample?: Int32Array; write?: (model: LanguageModel) => Promise<string>},
): Promise<Probe | undefined> {
  if (!(model instanceof LanguageModel) || sample === undefined) return undefined;
  const memory = await memoryFigures(model, sample);
  return write === undefined ? {memory} : {memory, text: await write(model)};
}
