// card.json as it is read: every entry that anything relies on is checked, and later forms are refused by name.

import {SettingError} from '../../config/schema.js';
import {VERSION} from '../../config/version.js';
import {shown} from '../../errors/shown.js';
import {isCount, isRecord} from '../../formats/json-text.js';
import type {ModelConfig} from '../config.js';
import {parseModelConfig} from '../config.js';
import {ModelFormatError} from '../model-format.js';
import type {
  CardData,
  CardEvaluation,
  CardGeneration,
  CardTraining,
  FileEntry,
  ModelCard,
  PlainSettings,
} from './card.js';
import {CARD_FORMAT} from './card.js';
import {parseObject} from './source.js';
import {folderDTypes} from './weights.js';

export const CARD = 'card.json';

/** Whether a name stays in its folder, on every system. */
export function isPlainName(path: unknown): path is string {
  return typeof path === 'string' && /^[\w-][\w.-]*$/.test(path);
}

/** An object of the card, asked for one entry at a time; every refusal names the entry, what it must be and what it is. */
class Entries {
  constructor(
    private readonly where: string,
    private readonly values: Record<string, unknown>,
    private readonly prefix = '',
  ) {}

  static of(where: string, value: unknown, prefix: string): Entries {
    if (!isRecord(value))
      throw new ModelFormatError(`${where}: ${prefix} must be an object, got ${shown(value)}`);
    return new Entries(where, value, `${prefix}.`);
  }

  has(key: string): boolean {
    return this.values[key] !== undefined;
  }

  get(key: string): unknown {
    return this.values[key];
  }

  fail(key: string, expected: string): never {
    throw new ModelFormatError(
      `${this.where}: ${this.prefix}${key} must be ${expected}, got ${shown(this.values[key])}`,
    );
  }

  text(key: string): string {
    const value = this.values[key];
    return typeof value === 'string' ? value : this.fail(key, 'text');
  }

  count(key: string): number {
    const value = this.values[key];
    return isCount(value) ? value : this.fail(key, 'a whole number, at least 0');
  }

  digest(key: string): string {
    const value = this.values[key];
    return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
      ? value
      : this.fail(key, '64 hexadecimal digits');
  }

  object(key: string): Entries {
    return Entries.of(this.where, this.values[key], `${this.prefix}${key}`);
  }

  settings(key: string): PlainSettings {
    const own = this.object(key);
    for (const [name, value] of Object.entries(own.values)) {
      if (!['string', 'number', 'boolean'].includes(typeof value))
        own.fail(name, 'text, a number or true or false');
    }
    return own.values as PlainSettings;
  }

  ids(key: string): number[] {
    const value = this.values[key];
    return Array.isArray(value) && value.every(isCount) ? value : this.fail(key, 'a list of token ids');
  }

  plain(key: string): Readonly<Record<string, unknown>> {
    return this.object(key).values;
  }
}

/**
 * Checks the text of a card.json. `where` is what messages call it.
 * Errors: ModelFormatError for no JSON, a later form, a missing or wrong entry, or settings that this version does not know.
 */
export function parseCard(where: string, text: string): ModelCard {
  const card = new Entries(where, parseObject(where, text));
  const format = card.count('format');
  if (format > CARD_FORMAT)
    throw new ModelFormatError(
      `${where} was written by a later version of bmojo (${shown(card.get('bmojo'))}, form ${format}); ` +
        `this is version ${VERSION}, which reads forms up to ${CARD_FORMAT}: update bmojo`,
    );
  if (format !== CARD_FORMAT) card.fail('format', String(CARD_FORMAT));
  const version = card.text('bmojo');
  const model = card.object('model');
  const weights = card.object('weights');
  const storage = folderDTypes.find(one => one === weights.get('storage'));
  return {
    format: CARD_FORMAT,
    bmojo: version,
    title: card.text('title'),
    date: card.text('date'),
    ...(card.has('command') ? {command: card.text('command')} : {}),
    model: {
      config: parseConfig(`${where}: model.config`, version, model.plain('config')),
      parameters: model.count('parameters'),
    },
    ...(card.has('training') ? {training: parseTraining(card.object('training'))} : {}),
    ...(card.has('data') ? {data: parseData(card.object('data'))} : {}),
    ...(card.has('tokenizer') ? {tokenizer: parseTokenizer(card.object('tokenizer'))} : {}),
    ...(card.has('generation') ? {generation: parseGeneration(card.object('generation'))} : {}),
    weights: {
      sha256: weights.digest('sha256'),
      bytes: weights.count('bytes'),
      storage: storage ?? weights.fail('storage', "'float32' or 'float16'"),
    },
    files: parseFiles(where, card),
  };
}

/** Errors: ModelFormatError, which says so when another version has written the settings. */
export function parseConfig(where: string, version: string, given: object): ModelConfig {
  try {
    return parseModelConfig(given);
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    const other = version === VERSION ? '' : ` (written by bmojo ${version}, this is ${VERSION})`;
    throw new ModelFormatError(`${where}${other}: ${error.message}`);
  }
}

function parseTraining(training: Entries): CardTraining {
  const weights = training.text('weights');
  if (weights !== 'last' && weights !== 'best') training.fail('weights', "'last' or 'best'");
  return {
    task: training.text('task'),
    step: training.count('step'),
    weights,
    backend: training.text('backend'),
    settings: training.settings('settings'),
    ...(training.has('evaluation') ? {evaluation: parseEvaluation(training.object('evaluation'))} : {}),
  };
}

function parseEvaluation(evaluation: Entries): CardEvaluation {
  return {step: evaluation.count('step'), report: evaluation.plain('report')};
}

function parseData(data: Entries): CardData {
  return {
    settings: data.settings('settings'),
    ...(data.has('sha256') ? {sha256: data.digest('sha256')} : {}),
  };
}

function parseTokenizer(tokenizer: Entries): {digest: string; vocabSize: number} {
  return {digest: tokenizer.digest('digest'), vocabSize: tokenizer.count('vocabSize')};
}

/** As {@link parseCard}, what stands under `generation`. */
export function parseGenerationJson(where: string, value: unknown): CardGeneration {
  return parseGeneration(Entries.of(where, value, 'generation'));
}

function parseGeneration(generation: Entries): CardGeneration {
  return {
    ...(generation.has('stopTokens') ? {stopTokens: generation.ids('stopTokens')} : {}),
    ...(generation.has('startTokens') ? {startTokens: generation.ids('startTokens')} : {}),
    ...(generation.has('chatTemplate') ? {chatTemplate: parseChatTemplate(generation)} : {}),
  };
}

function parseChatTemplate(generation: Entries): Readonly<Record<string, unknown>> {
  const config = generation.plain('chatTemplate');
  const {chat_template: sources} = config;
  const isNamed = (one: unknown): boolean =>
    isRecord(one) && typeof one.name === 'string' && typeof one.template === 'string';
  const isKnown =
    typeof sources === 'string' || (Array.isArray(sources) && sources.length > 0 && sources.every(isNamed));
  return isKnown ? config : generation.fail('chatTemplate', 'an object with a chat_template');
}

function parseFiles(where: string, card: Entries): FileEntry[] {
  const list = card.get('files');
  if (!Array.isArray(list)) return card.fail('files', 'a list');
  const files = list.map((value, i) => {
    const entry = Entries.of(where, value, `files[${i}]`);
    const path = entry.get('path');
    if (!isPlainName(path) || path === CARD) return entry.fail('path', 'a plain file name');
    return {path, bytes: entry.count('bytes'), sha256: entry.digest('sha256')};
  });
  const repeated = files.find(({path}, i) => files.findIndex(other => other.path === path) !== i);
  if (repeated !== undefined) throw new ModelFormatError(`${where}: files names ${repeated.path} twice`);
  return files;
}
