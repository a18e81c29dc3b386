// How text is written with a model, ready for use and as it travels: in the card of a model folder and beside a run.

import type {ChatTemplate} from '../../data/tokenizers/index.js';
import {chatTemplateOf} from '../../data/tokenizers/index.js';
import type {CardGeneration} from './card.js';

/** What a folder says of how text is written with its model; what it does not say is left to the tokenizer. */
export interface Generation {
  /** Ids that end a text. */
  readonly stopTokens?: readonly number[];
  /** Ids that the model expects before a text. */
  readonly startTokens?: readonly number[];
  /** The template for conversations. */
  readonly chatTemplate?: ChatTemplate;
}

/** As a card has it: entries that say nothing are left out, and undefined where none is left. */
export function cardGeneration({
  stopTokens = [],
  startTokens = [],
  chatTemplate,
}: CardGeneration): CardGeneration | undefined {
  const said = {
    ...(stopTokens.length === 0 ? {} : {stopTokens}),
    ...(startTokens.length === 0 ? {} : {startTokens}),
    ...(chatTemplate === undefined ? {} : {chatTemplate}),
  };
  return Object.keys(said).length === 0 ? undefined : said;
}

/** As a reader uses it. */
export async function generationOf({chatTemplate, ...ids}: CardGeneration = {}): Promise<Generation> {
  const template = chatTemplate === undefined ? undefined : await chatTemplateOf(chatTemplate);
  return template === undefined ? ids : {...ids, chatTemplate: template};
}
