// The ids that a tokenizer.json puts before a text that is encoded for a model, such as a begin of text.

import {isCount, isRecord} from '../../../formats/json-text.js';
import {TokenizerError} from '../tokenizer.js';

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

/** The word of an id. Errors: TokenizerError where there is none. */
function wordOf({model, added_tokens: added}: Record<string, unknown>, id: number): string {
  const own = (Array.isArray(added) ? added.filter(isRecord) : []).find(token => token.id === id)?.content;
  const vocab = isRecord(model) && isRecord(model.vocab) ? model.vocab : {};
  const word = own ?? Object.keys(vocab).find(key => vocab[key] === id);
  if (typeof word === 'string') return word;
  throw new TokenizerError(`tokenizer.json: has no token of id ${id}, which is to begin a text`);
}

/** The parsed tokenizer.json with a template that puts these ids before a text, in the place of any other template. */
export function withStartTokens(json: object, ids: readonly number[]): object {
  if (!isRecord(json)) return json;
  const words = ids.map(id => wordOf(json, id));
  const special = (id: string): object => ({SpecialToken: {id, type_id: 0}});
  const sequence = (id: string, type_id: number): object => ({Sequence: {id, type_id}});
  const before = words.map(special);
  const template = {
    type: 'TemplateProcessing',
    single: [...before, sequence('A', 0)],
    pair: [...before, sequence('A', 0), sequence('B', 1)],
    special_tokens: Object.fromEntries(words.map((id, i) => [id, {id, ids: [ids[i]], tokens: [id]}])),
  };
  const rest = processorsOf(json.post_processor).filter(({type}) => type !== 'TemplateProcessing');
  const processors = ids.length === 0 ? rest : [...rest, template];
  const post_processor = processors.length > 1 ? {type: 'Sequence', processors} : (processors[0] ?? null);
  return {...json, post_processor};
}
