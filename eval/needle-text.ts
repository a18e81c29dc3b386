// Needles in a haystack of text: whether a language model gives the numbers back, by length and depth.

import type {NeedleKind, NeedleTextKind} from '../data/needle-text.js';
import {needleText} from '../data/needle-text.js';
import type {Tokenizer} from '../data/tokenizers/index.js';
import {nextTurn} from '../models/turn.js';
import type {HeatMap} from '../plot/heat-map.js';
import {answerBatch} from './answer-batch.js';
import {beginBatch} from './begin-batch.js';
import type {EvaluationRecord} from './report/record.js';
import type {ScorableModel} from './scorable.js';
import {scoreBatch} from './score.js';

/** What {@link evaluateNeedleText} found for one kind, length (in tokens) and depth of the needle. */
export interface NeedleTextCell {
  readonly kind: NeedleKind;
  readonly length: number;
  readonly depth: number;
  readonly samples: number;
  /** Share of prompts whose whole answer is the most likely one, token by token. */
  readonly accuracy: number;
  /** Mean negative log-likelihood of an answer's token, in nats. */
  readonly loss: number;
  /** Mean tokens from the needle to the question's end. */
  readonly distance: number;
}

/**
 * Options of {@link evaluateNeedleText}: how many prompts, how many at a time, and what `needleText` makes
 * each of.
 */
export interface NeedleTextOptions extends NeedleTextKind {
  /** Prompts to ask. */
  readonly samples: number;
  /** Prompts at a time; the result does not depend on it. */
  readonly batch: number;
  /** Ids before each prompt, where the model expects some; `length` does not count them. Default none. */
  readonly startTokens?: readonly number[];
}

/**
 * Asks a language model for the numbers hidden in `samples` prompts of one kind, length and depth, `batch` at
 * a time.
 *
 * An answer counts when every token of it is the most likely one. Errors: those of `needleText`.
 */
export async function evaluateNeedleText(
  model: ScorableModel,
  tokenizer: Tokenizer,
  {samples, batch, startTokens = [], ...settings}: NeedleTextOptions,
): Promise<NeedleTextCell> {
  let [right, loss, tokens, distance] = [0, 0, 0, 0];
  for (let first = 0; first < samples; first += batch) {
    const count = Math.min(batch, samples - first);
    const prompts = Array.from({length: count}, (_, i) =>
      needleText({...settings, index: first + i}, tokenizer),
    );
    const drawn = beginBatch(answerBatch(prompts), startTokens);
    const {predicted, losses} = await scoreBatch(model, drawn);
    const wrong = new Set<number>();
    drawn.rows.forEach((row, i) => {
      loss += losses[i];
      if (predicted[i] !== drawn.labels[i]) wrong.add(Math.floor(row / drawn.length));
    });
    right += count - wrong.size;
    tokens += drawn.rows.length;
    distance += prompts.reduce((sum, prompt) => sum + prompt.distance, 0);
    await nextTurn();
  }
  const {kind, length, depth} = settings;
  return {
    kind,
    length,
    depth,
    samples,
    accuracy: right / samples,
    loss: loss / tokens,
    distance: distance / samples,
  };
}

/** What was found by length and depth, a panel for each kind. */
function needleMap(cells: readonly NeedleTextCell[], trained: number): HeatMap {
  const ascending = (of: 'length' | 'depth'): number[] =>
    [...new Set(cells.map(cell => cell[of]))].sort((a, b) => a - b);
  const [lengths, depths] = [ascending('length'), ascending('depth')];
  const beyond = lengths.findIndex(length => length > trained);
  return {
    title: 'needles found, per cent',
    xLabel: 'tokens of the prompt',
    yLabel: 'depth',
    columns: lengths.map(length => length.toLocaleString('en-US')),
    rows: depths.map(String),
    panels: [...new Set(cells.map(({kind}) => kind))].map(kind => ({
      title: kind,
      values: depths.map(depth =>
        lengths.map(
          length =>
            cells.find(cell => cell.kind === kind && cell.length === length && cell.depth === depth)
              ?.accuracy ?? Number.NaN,
        ),
      ),
    })),
    ...(beyond < 0 ? {} : {mark: {column: beyond, words: `longer than the ${trained} trained`}}),
  };
}

export function needleTextRecord(
  cells: readonly NeedleTextCell[],
  {command, step, trained}: {command: string; step: number; trained: number},
): EvaluationRecord {
  const kinds = [...new Set(cells.map(({kind}) => kind))];
  const lengths = [...new Set(cells.map(({length}) => length))];
  const meanAt = (kind: NeedleKind, length: number): number => {
    const own = cells.filter(cell => cell.kind === kind && cell.length === length);
    return own.reduce((sum, {accuracy}) => sum + accuracy, 0) / own.length;
  };
  return {
    name: 'needle-text',
    title: 'needle in a haystack, as text',
    definition:
      'Sentences with seven-digit numbers for named keys lie in a haystack of five sentences over and over; at the end the numbers of one ' +
      'key are asked for and must follow at once, every token the most likely one. multi-key: three more needles with other keys; ' +
      'multi-value: four numbers of one key, all wanted.',
    source:
      'niah_single_1 and the multi-key and multi-value forms of RULER (Hsieh et al., COLM 2024, arXiv 2404.06654)',
    command,
    step,
    table: [
      ['kind', 'tokens', 'depth', 'samples', 'found', 'loss of the answer', 'tokens to the needle'],
      ...cells.map(({kind, length, depth, samples, accuracy, loss, distance}) => [
        kind,
        length,
        depth,
        samples,
        `${(100 * accuracy).toFixed(1)} %`,
        loss.toFixed(3),
        Math.round(distance),
      ]),
    ],
    plot: {
      title: 'needles found, mean over depths',
      xLabel: 'tokens of the prompt',
      yLabel: 'share found',
      xScale: 'log',
      yRange: [0, 1],
      markers: true,
      marks: [{x: trained, words: `trained at ${trained}`}],
      levels: [{y: 0, words: 'chance, below one in a million'}],
      series: kinds.map(kind => ({
        name: kind,
        points: lengths.map(length => [length, meanAt(kind, length)] as const),
      })),
    },
    map: needleMap(cells, trained),
    data: cells,
  };
}
