// `bmojo generate --chat`: prompts as what a user says, in the form that the model was trained on.

import {SettingError} from '../config/schema.js';
import type {ChatMessage, ChatTemplate} from '../data/tokenizers/index.js';
import {ChatTemplateError} from '../data/tokenizers/index.js';
import {parseJson} from '../formats/json-text.js';
import {optionText} from './option-file.js';

type Args = Readonly<Record<string, unknown>>;

/** The options that {@link conversationsOf} reads. */
export const chatOptions = {
  chat: {
    type: 'boolean' as const,
    describe:
      "prompts are what a user says: put into the form of the folder's chat template, answers alone are written",
  },
  system: {type: 'string' as const, describe: 'what the system says before the user, with --chat'},
  messages: {
    type: 'string' as const,
    describe:
      'JSON file of a conversation to go on from, [{"role": "user", "content": "..."}, ...], with --chat',
  },
};

/** Errors: SettingError naming the file. */
function messagesIn(path: string): readonly ChatMessage[] {
  const value = parseJson(optionText('--messages', path), reason => {
    throw new SettingError(`--messages: ${path} ${reason}`);
  });
  if (!Array.isArray(value)) throw new SettingError(`--messages: ${path} must hold a list of messages`);
  return value;
}

/**
 * The texts of conversations that `prompts` or a file begin; undefined without `--chat`. Errors: SettingError for options that
 * do not go together, a folder without a template, and what the template refuses.
 */
export function conversationsOf(
  argv: Args,
  prompts: readonly string[],
  {path, chatTemplate}: {readonly path: string; readonly chatTemplate?: ChatTemplate},
): readonly string[] | undefined {
  const {chat, system, messages, state} = argv;
  if (chat !== true) {
    const other = ['system', 'messages'].find(name => argv[name] !== undefined);
    if (other !== undefined) throw new SettingError(`--${other} needs --chat`);
    return undefined;
  }
  if (state !== undefined) throw new SettingError('--chat begins a conversation; it goes without --state');
  if (chatTemplate === undefined)
    throw new SettingError(
      `--chat: ${path} has no chat template; one comes with folders of Hugging Face (chat_template.jinja, tokenizer_config.json) and ` +
        'stays with what is trained from them; leave --chat away',
    );
  if (typeof messages === 'string' && prompts.length > 0)
    throw new SettingError('--messages holds the whole conversation; it goes without a prompt');
  const conversations =
    typeof messages === 'string' ? [messagesIn(messages)] : prompts.map(content => [{role: 'user', content}]);
  if (conversations.length === 0)
    throw new SettingError('--chat needs what the user says: --prompt or --messages');
  const before = typeof system === 'string' ? [{role: 'system', content: system}] : [];
  try {
    return conversations.map(one => chatTemplate.apply([...before, ...one]));
  } catch (error) {
    if (!(error instanceof ChatTemplateError)) throw error;
    throw new SettingError(`--chat: ${error.message}`);
  }
}
