// LAMBADA: the last word of a passage (Paperno et al., ACL 2016, arXiv 1606.06031), counted as lm-evaluation-harness does.

import {nextFrame} from '@tensorflow/tfjs-core';
import type {Passage} from '../data/files/passages.js';
import type {Tokenizer} from '../data/tokenizers/index.js';
import type {AnsweredText} from './answer-batch.js';
import {answerBatch} from './answer-batch.js';
import type {EvaluationRecord} from './report/record.js';
import type {ScorableModel} from './scorable.js';
import {scoreBatch} from './score.js';

export interface LambadaReport {
  readonly passages: number;
  /** Share of passages in which every token of the last word is the most likely one. */
  readonly accuracy: number;
  /** exp of the mean over passages of the negative log-likelihood of the whole last word. */
  readonly perplexity: number;
  /** Mean number of tokens of the last word. */
  readonly targetTokens: number;
}

/** The last word's tokens are those that the whole passage has beyond its context. */
function encode({context, target}: Passage, tokenizer: Tokenizer): AnsweredText {
  const ids = tokenizer.encode(context + target);
  const begin = Math.min(tokenizer.encode(context).length, ids.length - 1);
  return {ids, begin: Math.max(1, begin)};
}

/** Scores passages, `batch` at a time. Errors: TokenizerError for text that the vocabulary cannot express. */
export async function evaluateLambada(
  model: ScorableModel,
  tokenizer: Tokenizer,
  passages: readonly Passage[],
  {batch, onProgress}: {batch: number; onProgress?: (passages: number) => void},
): Promise<LambadaReport> {
  // Passages of like length together: less filling up.
  const encoded = passages
    .map(passage => encode(passage, tokenizer))
    .sort((a, b) => a.ids.length - b.ids.length);
  let [right, loss, targets] = [0, 0, 0];
  for (let first = 0; first < encoded.length; first += batch) {
    const drawn = answerBatch(encoded.slice(first, first + batch));
    const {predicted, losses} = await scoreBatch(model, drawn);
    const wrong = new Set<number>();
    drawn.rows.forEach((row, i) => {
      loss += losses[i];
      if (predicted[i] !== drawn.labels[i]) wrong.add(Math.floor(row / drawn.length));
    });
    right += drawn.size - wrong.size;
    targets += drawn.rows.length;
    onProgress?.(drawn.size);
    await nextFrame();
  }
  const count = encoded.length;
  return {
    passages: count,
    accuracy: right / count,
    perplexity: Math.exp(loss / count),
    targetTokens: targets / count,
  };
}

export function lambadaRecord(
  report: LambadaReport,
  {file, command, step}: {file: string; command: string; step: number},
): EvaluationRecord {
  const {passages, accuracy, perplexity, targetTokens} = report;
  return {
    name: 'lambada',
    title: 'LAMBADA: the last word of a passage',
    definition:
      `Passages of ${file}, the last word given everything before it. Accuracy: all its tokens are the most likely ones. Perplexity: ` +
      'exp of the mean negative log-likelihood of the whole word. Cased and detokenised passages (lambada_openai) and lower-cased ' +
      'ones (lambada_standard) give different figures.',
    source:
      'Paperno et al., ACL 2016, arXiv 1606.06031; counted as lambada_openai of EleutherAI/lm-evaluation-harness',
    command,
    step,
    table: [
      ['passages', 'accuracy', 'perplexity', 'tokens of a last word'],
      [passages, `${(100 * accuracy).toFixed(2)} %`, perplexity.toFixed(2), targetTokens.toFixed(2)],
    ],
    data: report,
  };
}
