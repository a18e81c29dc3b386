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

/** Ids before the text of a single sequence, by the template; none where there is none. */
function ofTemplate(json: Record<string, unknown>): number[] {
  const template = processorsOf(json.post_processor).find(({type}) => type === 'TemplateProcessing');
  if (template === undefined || !Array.isArray(template.single)) return [];
  const end = template.single.findIndex(piece => !isRecord(piece) || !isRecord(piece.SpecialToken));
  const before = end < 0 ? [] : template.single.slice(0, end);
  return before.flatMap(piece => idsOf(template, piece.SpecialToken.id));
}

/** Ids of a token of the vocabulary or of those added to it; none where there is no such token. */
function idOf({model, added_tokens: added}: Record<string, unknown>, content: string): number[] {
  const tokens = Array.isArray(added) ? added.filter(isRecord) : [];
  const own = tokens.find(token => token.content === content)?.id;
  const vocab = isRecord(model) && isRecord(model.vocab) ? model.vocab : {};
  const id = own ?? (Object.hasOwn(vocab, content) ? vocab[content] : undefined);
  return isCount(id) ? [id] : [];
}

/**
 * Ids before the text of a single sequence: as `add_bos_token` of a parsed tokenizer_config.json says, else by the template of
 * the parsed tokenizer.json, as it is or as ours; none where neither says.
 */
export function startTokensOf(json: unknown, config: Readonly<Record<string, unknown>> = {}): number[] {
  if (!isRecord(json)) return [];
  if (json.type === 'hugging-face') return startTokensOf(json.tokenizer, config);
  const {add_bos_token: adds, bos_token: token} = config;
  if (adds === false) return [];
  const text = isRecord(token) ? token.content : token;
  return adds === true && typeof text === 'string' ? idOf(json, text) : ofTemplate(json);
}
