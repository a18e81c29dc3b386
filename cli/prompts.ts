// What `bmojo generate` goes on from: one prompt, or several that are written at once.

import {SettingError} from '../config/schema.js';
import {shown} from '../errors/shown.js';
import {parseJson} from '../formats/json-text.js';
import {checkExclusive} from './command-line.js';
import {optionText} from './option-file.js';

type Args = Readonly<Record<string, unknown>>;

/** The options that {@link givenPrompts} reads. */
export const promptOptions = {
  prompt: {
    type: 'string' as const,
    array: true as const,
    nargs: 1,
    describe:
      'text to go on from; several, each behind a --prompt of its own, are written at once [default: a line break, nothing with --state]',
  },
  'prompt-file': {type: 'string' as const, describe: 'file whose text is the prompt'},
  prompts: {
    type: 'string' as const,
    describe: 'file of prompts that are written at once: one a line, or .jsonl with a "prompt" a line',
  },
};

/** A line of a JSONL file of prompts. Errors: SettingError. */
function promptOfLine(line: string, where: string): string {
  const value = parseJson(line, reason => {
    throw new SettingError(`${where} ${reason}`);
  });
  const prompt = typeof value === 'object' && value !== null && 'prompt' in value ? value.prompt : value;
  if (typeof prompt === 'string') return prompt;
  throw new SettingError(`${where} must be text, or an object with a "prompt", got ${shown(value)}`);
}

function promptsOf(path: string): string[] {
  const text = optionText('--prompts', path);
  const lines = text.split(/\r?\n/).map((line, i) => ({line, where: `--prompts: ${path}, line ${i + 1}`}));
  const given = lines.filter(({line}) => line !== '');
  if (given.length === 0) throw new SettingError(`--prompts: ${path} holds no prompt`);
  const isJson = /\.jsonl$/i.test(path);
  return given.map(({line, where}) => (isJson ? promptOfLine(line, where) : line));
}

/** The prompts given; none where no option gives one. Errors: SettingError. */
export function givenPrompts(argv: Args): string[] {
  const {prompt, prompts} = argv;
  const file = argv['prompt-file'];
  checkExclusive(argv, 'prompt', 'prompt-file', 'prompts');
  if (typeof file === 'string') return [optionText('--prompt-file', file)];
  if (typeof prompts === 'string') return promptsOf(prompts);
  return Array.isArray(prompt) ? prompt.map(String) : [];
}
