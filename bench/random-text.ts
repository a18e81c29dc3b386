// Language modelling on random ids: what a step costs depends on no text, and so needs neither a corpus nor its tokenizer.

import {parseSettings, SettingError} from '../config/schema.js';
import {randomStream} from '../data/random.js';
import type {TokenSource} from '../data/token-source.js';
import {memoryTokens} from '../data/token-source.js';
import type {OpenWorkload} from '../experiments/families/index.js';
import {languageFamily, languageSchema} from '../experiments/families/language.js';
import type {GivenRun, RunConfig} from '../experiments/run-config.js';
import {completeRun} from '../experiments/run-config.js';
import {languageWorkload} from '../train/language-workload.js';

/** Samples that the ids are drawn for; steps take them from anywhere in between. */
const SAMPLES = 64;

/** One document of ids below `vocabSize`, all equally likely. */
export function randomTokens(vocabSize: number, count: number, seed: number): TokenSource {
  const random = randomStream([seed, vocabSize], 0);
  const ids = Int32Array.from({length: count}, () => random.integer(vocabSize));
  return memoryTokens([ids], vocabSize, count);
}

/** A run of language modelling on random ids, as far as a step needs it. Errors: SettingError, also for data that are named. */
export function randomTextConfig(vocabulary: number, given: GivenRun): RunConfig {
  const data = parseSettings('lm', languageSchema, given.data ?? {});
  if (data.data !== '')
    throw new SettingError('lm: --vocabulary takes random ids in place of --data; leave one of them away');
  return completeRun(languageFamily, data, vocabulary, given);
}

export function openRandomText({data, model, train}: RunConfig): Pick<OpenWorkload, 'workload' | 'close'> {
  const {context, segments, crossBorders} = parseSettings('lm', languageSchema, data);
  const tokens = randomTokens(model.vocabSize, SAMPLES * context * segments + 1, train.seed);
  return {workload: languageWorkload(tokens, {context, segments, crossBorders}), close: () => {}};
}
