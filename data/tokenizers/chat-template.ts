// Conversations as the text that a model was trained on, by the Jinja template that stands beside its tokenizer.

import type {Template} from '@huggingface/jinja';
import {shown} from '../../errors/shown.js';
import {isRecord} from '../../formats/json-text.js';
import {ChatTemplateError} from './chat-template-error.js';
import {stripFunctions, useStrips} from './strip-characters.js';
import {checkSource, renderBounded} from './template-budget.js';

export {ChatTemplateError} from './chat-template-error.js';

/** A message of a conversation. Templates may read further keys, such as `tool_calls`. */
export interface ChatMessage {
  /** Who says it: `system`, `user`, `assistant`, or another role that the template knows. */
  readonly role: string;
  readonly content: string;
  readonly [key: string]: unknown;
}

/** Options of {@link ChatTemplate.apply}, all of which may be left out. */
export interface ChatOptions {
  /** Whether the text ends where the model's answer begins. Default true. */
  readonly addGenerationPrompt?: boolean;
  /** Descriptions of tools, as the template expects them. Default none. */
  readonly tools?: readonly unknown[];
  /** Further variables of the template, such as `enable_thinking`. Default none. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** Names under which templates find special tokens. */
const TOKENS = ['bos', 'eos', 'unk', 'sep', 'pad', 'cls', 'mask'].map(name => `${name}_token`);

const DEFAULT = 'default';
const WITH_TOOLS = 'tool_use';

type Jinja = typeof import('@huggingface/jinja');

/** What engines throw where calls nest too deep or a text is too long. */
const isBeyond = (error: unknown): boolean =>
  error instanceof RangeError || (error instanceof Error && error.name === 'InternalError');

function reasonOf(error: unknown): string {
  if (isBeyond(error)) return 'it nests too deep, or makes a text that is too long';
  return error instanceof Error ? error.message : String(error);
}

/** Errors: ChatTemplateError for what plain JavaScript may pass instead. */
function checkMessages(messages: readonly ChatMessage[]): void {
  if (!Array.isArray(messages) || messages.length === 0)
    throw new ChatTemplateError(
      `chat: messages must be a list of at least one message, got ${shown(messages)}`,
    );
  messages.forEach((message, i) => {
    if (!isRecord(message) || typeof message.role !== 'string' || typeof message.content !== 'string')
      throw new ChatTemplateError(
        `chat: message ${i + 1} must have a role and a content, both text, got ${shown(message)}`,
      );
  });
}

/** A template for conversations, of tokenizer_config.json or chat_template.jinja; made by {@link chatTemplateOf}. */
export class ChatTemplate {
  private readonly compiled = new Map<string, Template>();

  constructor(
    /** Sources by name; that of a single one is `default`. */
    private readonly sources: Readonly<Record<string, string>>,
    /** Texts of special tokens, by the names under which templates find them. */
    private readonly tokens: Readonly<Record<string, string>>,
    private readonly jinja: Jinja,
  ) {}

  /**
   * The text of a conversation, to be encoded as it is: it holds every special token that the model expects, so that nothing
   * goes before it (`startTokens: []`).
   *
   * Errors: ChatTemplateError for messages without role and content, a conversation that the template refuses, such as one
   * with two users in a row, and a template that is no Jinja or comes to no end: it has a number of steps, the same everywhere. Source: `apply_chat_template` of the transformers library.
   */
  apply(messages: readonly ChatMessage[], options: ChatOptions = {}): string {
    const {addGenerationPrompt = true, tools, variables} = options;
    checkMessages(messages);
    const {parsed} = this.templateFor(tools);
    const given = {tools: tools ?? null, documents: null, ...this.tokens, ...variables, messages};
    try {
      const {length} = JSON.stringify(given);
      const all = {...stripFunctions, ...given, add_generation_prompt: addGenerationPrompt};
      return renderBounded(this.jinja, parsed, all, length);
    } catch (error) {
      if (error instanceof ChatTemplateError) throw error;
      throw new ChatTemplateError(`the chat template refuses this conversation: ${reasonOf(error)}`);
    }
  }

  /** What a tokenizer_config.json says of it. */
  toJSON(): Readonly<Record<string, unknown>> {
    const entries = Object.entries(this.sources);
    const [[name, source]] = entries;
    const isSingle = entries.length === 1 && name === DEFAULT;
    return {
      ...this.tokens,
      chat_template: isSingle ? source : entries.map(([own, template]) => ({name: own, template})),
    };
  }

  private templateFor(tools: readonly unknown[] | undefined): Template {
    const name = tools !== undefined && WITH_TOOLS in this.sources ? WITH_TOOLS : DEFAULT;
    const known = this.compiled.get(name);
    if (known !== undefined) return known;
    const source = this.sources[name];
    if (source === undefined)
      throw new ChatTemplateError(
        `the chat templates ${Object.keys(this.sources).join(', ')} have none that is named ${DEFAULT}`,
      );
    checkSource(source);
    try {
      const template = new this.jinja.Template(source);
      useStrips(template.parsed);
      this.compiled.set(name, template);
      return template;
    } catch (error) {
      throw new ChatTemplateError(`the chat template cannot be read: ${reasonOf(error)}`);
    }
  }
}

/**
 * Sources by name, out of `chat_template` of a tokenizer_config.json: one text, or a list of named ones.
 * Errors: ChatTemplateError for anything else.
 */
function sourcesIn(value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (typeof value === 'string') return {[DEFAULT]: value};
  return Object.fromEntries((Array.isArray(value) ? value : [value]).map(namedSource));
}

function namedSource(one: unknown): readonly [name: string, source: string] {
  if (isRecord(one) && typeof one.name === 'string' && typeof one.template === 'string')
    return [one.name, one.template];
  throw new ChatTemplateError(
    `tokenizer_config.json: chat_template must be text, or a list of objects with a name and a template, got ${shown(one)}`,
  );
}

/** Texts of special tokens, given as text or as tokens with a content. */
function tokensIn(config: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    TOKENS.flatMap(name => {
      const token = config[name];
      const text = isRecord(token) ? token.content : token;
      return typeof text === 'string' ? [[name, text] as const] : [];
    }),
  );
}

/**
 * The template of a parsed tokenizer_config.json, whose place that of a chat_template.jinja takes where there is one; undefined
 * where there is neither. It is read when it is first applied. Errors: ChatTemplateError where there is something else in its place.
 */
export async function chatTemplateOf(
  config: Readonly<Record<string, unknown>>,
  file?: string,
): Promise<ChatTemplate | undefined> {
  const sources = {...sourcesIn(config.chat_template), ...(file === undefined ? {} : {[DEFAULT]: file})};
  if (Object.keys(sources).length === 0) return undefined;
  // Fetched by pages that open a model with a template alone.
  const jinja = await import('@huggingface/jinja');
  return new ChatTemplate(sources, tokensIn(config), jinja);
}
