// The ids that a tokenizer.json puts before a text that is encoded for a model, such as a begin of text.

import {isCount, isRecord} from '../../../formats/json-text.js';

/** Parts of a post-processor, one by one. */
function processorsOf(value: unknown): Record<string, unknown>[] {
  if (!isRecord(value)) return [];
  return Array.isArray(value.processors) ? value.processors.flatMap(processorsOf) : [value];
}

/** Ids of a special token of a template. */
function idsOf({special_tokens: tokens}: Record<string, unknown>, word: unknown): number[] {
  const token = isRecord(tokens) && typeof word === 'string' ? tokens[word] : undefined;
  return isRecord(token) && Array.isArray(token.ids) ? token.ids.filter(isCount) : [];
}

/** Ids before the text of a single sequence, by the template of a parsed tokenizer.json; none where it has none. */
export function startTokensOf(json: unknown): number[] {
  const processors = isRecord(json) ? processorsOf(json.post_processor) : [];
  const template = processors.find(({type}) => type === 'TemplateProcessing');
  if (template === undefined || !Array.isArray(template.single)) return [];
  const end = template.single.findIndex(piece => !isRecord(piece) || !isRecord(piece.SpecialToken));
  const before = end < 0 ? [] : template.single.slice(0, end);
  return before.flatMap(piece => idsOf(template, piece.SpecialToken.id));
}
