// A model folder's card as people read it.

import {optionName} from '../config/schema.js';
import type {Cell} from '../eval/table.js';
import {textTable} from '../eval/table.js';
import type {ModelCard} from '../models/model-folder/index.js';
import {byteWords} from './byte-words.js';

/** Title and a table of what the card says of origin, evaluation and files. */
export function cardWords({title, training, data, ...card}: ModelCard): string {
  const settings = Object.entries(data?.settings ?? {}).map(([key, value]) => `${optionName(key)} ${value}`);
  const rows: (Cell[] | undefined)[] = [
    ['what', 'value'],
    ['written by', `bmojo ${card.bmojo}, ${card.date}`],
    card.command === undefined ? undefined : ['command', card.command],
    training && [
      'trained',
      `on ${training.task}, ${training.step} steps, ${training.weights} weights, backend ${training.backend}`,
    ],
    settings.length === 0 ? undefined : ['data', settings.join(', ')],
    data?.sha256 === undefined ? undefined : ['data, SHA-256', data.sha256],
    training?.evaluation && [
      `evaluation at step ${training.evaluation.step}`,
      Object.entries(training.evaluation.report)
        .flatMap(([key, value]) =>
          typeof value === 'number' ? [`${optionName(key)} ${Number(value.toPrecision(5))}`] : [],
        )
        .join(', '),
    ],
    card.tokenizer && ['tokenizer', `${card.tokenizer.vocabSize} ids, ${card.tokenizer.digest}`],
    ['weights', `${byteWords(card.weights.bytes)} of ${card.weights.storage}, ${card.weights.sha256}`],
    ['files', card.files.map(({path, bytes}) => `${path} (${byteWords(bytes)})`).join(', ')],
  ];
  return `${title}\n\n${textTable(rows.filter(row => row !== undefined))}`;
}
