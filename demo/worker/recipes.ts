// What is trained in the tab: recall of pairs, or the characters of a text; each a few settings over the schemas' defaults.

import {parseSettings, SettingError} from '../../config/index.js';
import {
  CharacterCollector,
  charTokenizer,
  createMqarMixture,
  memoryTokens,
  mqarMixtureSchema,
  type Tokenizer,
  WindowIndex,
} from '../../data/index.js';
import type {LanguageReport, RecallReport} from '../../eval/index.js';
import {evaluateLanguage, evaluateRecall} from '../../eval/index.js';
import type {LanguageModel, ModelConfig} from '../../models/index.js';
import type {TrainSettings, Workload} from '../../train/index.js';
import {languageWorkload, taskWorkload} from '../../train/index.js';

/** Settings of a training in the tab. */
export interface TrainConfig {
  readonly recipe: 'recall' | 'text';
  readonly model: Partial<ModelConfig>;
  readonly train: Partial<TrainSettings>;
  /** The text of recipe `text`. */
  readonly text?: string;
  /** Tokens of a sample of recipe `text`. */
  readonly context?: number;
}

/** A recipe with its data at hand. */
export interface Prepared {
  readonly workload: Workload<LanguageModel>;
  readonly vocabSize: number;
  readonly tokenizer?: Tokenizer;
  evaluate(model: LanguageModel): Promise<RecallReport | LanguageReport>;
  /** A sequence of held-out tokens, for the memory's view. */
  readonly sample: Int32Array;
}

const mixture = {vocabSize: 64, parts: '16x2:1,32x4:1,64x8:2', testParts: '64x8', block: 64, filler: 'zero'};
const EVAL_SAMPLES = 128;

function recall(seed: number): Prepared {
  const task = createMqarMixture(parseSettings('recall', mqarMixtureSchema, mixture));
  return {
    workload: taskWorkload(task),
    vocabSize: task.vocabSize,
    evaluate: model => evaluateRecall(model, task, {seed, samples: EVAL_SAMPLES, batch: 64}),
    sample: task.sample({seed, split: 'test', index: 0}).inputs,
  };
}

/** A text is cut into as many parts; the last of them is held out. */
const PARTS = 10;

/** Errors: SettingError for a text whose held-out part is not longer than `context`. */
function text(content: string, context: number): Prepared {
  const least = PARTS * (context + 1);
  const {length} = [...content];
  if (length < least)
    throw new SettingError(
      `the text has ${length} characters; it needs ${least}, since a tenth is held out to test on, and some thousands to learn from`,
    );
  const collector = new CharacterCollector();
  collector.add(content);
  const {characters} = collector;
  if (characters.length < 2)
    throw new SettingError(
      `the text is ${characters[0]} alone; it needs at least two different characters, for something to be learned`,
    );
  const tokenizer = charTokenizer(characters);
  const bytes = new TextEncoder().encode(content).length;
  const tokens = tokenizer.encode(content);
  const cut = Math.floor((tokens.length * (PARTS - 1)) / PARTS);
  const source = (part: Int32Array) =>
    memoryTokens([part], tokenizer.vocabSize, (bytes * part.length) / tokens.length);
  const [training, held] = [source(tokens.subarray(0, cut)), source(tokens.subarray(cut))];
  const starts = new WindowIndex(held, context, {crossBorders: false}).spread(32);
  return {
    workload: languageWorkload(training, {context, segments: 1, crossBorders: false}),
    vocabSize: tokenizer.vocabSize,
    tokenizer,
    evaluate: model => evaluateLanguage(model, held, {starts, context, batch: 8}),
    sample: held.read(0, Math.min(held.count, 2 * context)),
  };
}

export function prepare({recipe, text: content = '', context = 64}: TrainConfig, seed: number): Prepared {
  return recipe === 'recall' ? recall(seed) : text(content, context);
}
