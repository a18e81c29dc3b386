// LAMBADA: the last word of a passage (Paperno et al., ACL 2016, arXiv 1606.06031), counted as lm-evaluation-harness does.

import type {Passage} from '../data/files/passages.js';
import type {Tokenizer} from '../data/tokenizers/index.js';
import {nextTurn} from '../models/turn.js';
import type {AnsweredText} from './answer-batch.js';
import {answerBatch} from './answer-batch.js';
import {beginBatch} from './begin-batch.js';
import type {EvaluationRecord} from './report/record.js';
import type {ScorableModel} from './scorable.js';
import {scoreBatch} from './score.js';
import {perplexityText} from './table.js';

/** What {@link evaluateLambada} counted over all passages. */
export interface LambadaReport {
  readonly passages: number;
  /** Share of passages in which every token of the last word is the most likely one. */
  readonly accuracy: number;
  /** exp of the mean over passages of the negative log-likelihood of the whole last word. */
  readonly perplexity: number;
  /** Mean number of tokens of the last word. */
  readonly targetTokens: number;
  /** Share of passages whose last word has at least that probability, for powers of ten. */
  readonly byProbability: readonly {readonly probability: number; readonly share: number}[];
}

/** Powers of ten, from all passages of any use to the certain ones. */
const PROBABILITIES = [-8, -7, -6, -5, -4, -3, -2, -1, 0].map(power => 10 ** power);

/** The last word's tokens are those that the whole passage has beyond its context. */
function encode({context, target}: Passage, tokenizer: Tokenizer): AnsweredText {
  const ids = tokenizer.encode(context + target);
  const begin = Math.min(tokenizer.encode(context).length, ids.length - 1);
  return {ids, begin: Math.max(1, begin)};
}

/** Options of {@link evaluateLambada}: `batch` must be given. */
export interface LambadaOptions {
  /** Passages computed at a time. */
  readonly batch: number;
  /** Ids before each passage, where the model expects some. Default none. */
  readonly startTokens?: readonly number[];
  /** Told the number of passages of each batch when it is scored. */
  readonly onProgress?: (passages: number) => void;
}

/**
 * Scores passages, `batch` at a time: the last word of each given what comes before it. Errors:
 * TokenizerError for text that the vocabulary cannot express.
 */
export async function evaluateLambada(
  model: ScorableModel,
  tokenizer: Tokenizer,
  passages: readonly Passage[],
  {batch, startTokens = [], onProgress}: LambadaOptions,
): Promise<LambadaReport> {
  // Passages of like length together: less filling up.
  const encoded = passages
    .map(passage => encode(passage, tokenizer))
    .sort((a, b) => a.ids.length - b.ids.length);
  const words: number[] = [];
  let [right, targets] = [0, 0];
  for (let first = 0; first < encoded.length; first += batch) {
    const drawn = beginBatch(answerBatch(encoded.slice(first, first + batch)), startTokens);
    const {predicted, losses} = await scoreBatch(model, drawn);
    const wrong = new Set<number>();
    const own = new Array<number>(drawn.size).fill(0);
    drawn.rows.forEach((row, i) => {
      const passage = Math.floor(row / drawn.length);
      own[passage] += losses[i];
      if (predicted[i] !== drawn.labels[i]) wrong.add(passage);
    });
    words.push(...own);
    right += drawn.size - wrong.size;
    targets += drawn.rows.length;
    onProgress?.(drawn.size);
    await nextTurn();
  }
  const count = encoded.length;
  return {
    passages: count,
    accuracy: right / count,
    perplexity: Math.exp(words.reduce((sum, loss) => sum + loss, 0) / count),
    targetTokens: targets / count,
    byProbability: PROBABILITIES.map(probability => ({
      probability,
      share: words.filter(loss => Math.exp(-loss) >= probability).length / count,
    })),
  };
}

export function lambadaRecord(
  report: LambadaReport,
  {file, model, command, step}: {file: string; model: string; command: string; step: number},
): EvaluationRecord {
  const {passages, accuracy, perplexity, targetTokens, byProbability} = report;
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
      [passages, `${(100 * accuracy).toFixed(2)} %`, perplexityText(perplexity), targetTokens.toFixed(2)],
    ],
    plot: {
      title: 'LAMBADA: how likely the last words are',
      xLabel: 'probability of the whole last word',
      yLabel: 'share of passages that give it at least that',
      xScale: 'log',
      yRange: [0, 1],
      markers: true,
      series: [
        {name: model, points: byProbability.map(({probability, share}) => [probability, share] as const)},
      ],
    },
    data: report,
  };
}
