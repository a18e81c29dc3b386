// Chat templates give the texts that the transformers library gives, and refuse what it refuses.

import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';
import type {ChatMessage, ChatTemplate} from '../../data/tokenizers/index.js';
import {ChatTemplateError, chatTemplateOf} from '../../data/tokenizers/index.js';

const folder = join(import.meta.dirname, '../../../test/golden/chat-templates');
const tokens = {bos_token: '<s>', eos_token: {content: '</s>', special: true}, pad_token: null};

interface Case {
  readonly template: string;
  readonly name: string;
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly object[];
  readonly add_generation_prompt?: boolean;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly text?: string;
  readonly refused?: string;
}

const cases: readonly Case[] = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
const sourceOf = (name: string): string => readFileSync(join(folder, `${name}.jinja`), 'utf8');

async function templateOf(chat_template: unknown, file?: string): Promise<ChatTemplate> {
  const template = await chatTemplateOf({...tokens, chat_template}, file);
  if (template === undefined) throw new Error('there is no template');
  return template;
}

const hello = [{role: 'user', content: 'Hello'}];

describe('chat templates', () => {
  for (const {template, name, messages, tools, add_generation_prompt, variables, text, refused} of cases)
    it(`${template}, ${name}: ${refused === undefined ? 'the text of transformers' : 'refused as there'}`, async () => {
      const options = {addGenerationPrompt: add_generation_prompt, tools, variables};
      const apply = async () => (await templateOf(sourceOf(template))).apply(messages, options);
      if (text !== undefined) expect(await apply()).to.equal(text);
      else {
        const error = await apply().then(
          () => undefined,
          error => error,
        );
        expect(error).to.be.instanceOf(ChatTemplateError);
        expect(error.message).to.include(refused);
      }
    });

  it('are looked at on seven conversations each', () => {
    expect(cases).to.have.lengthOf(42);
    expect(new Set(cases.map(one => one.text)).size).to.be.above(25);
  });

  it('that of chat_template.jinja comes before that of tokenizer_config.json; of several, the one for tools with tools', async () => {
    expect((await templateOf('config', 'file {{ bos_token }}')).apply(hello)).to.equal('file <s>');
    const both = [
      {name: 'default', template: 'plain {{ eos_token }}'},
      {name: 'tool_use', template: 'with {{ tools | length }}'},
    ];
    const named = await templateOf(both);
    expect(named.apply(hello)).to.equal('plain </s>');
    expect(named.apply(hello, {tools: [{}]})).to.equal('with 1');
    const again = await chatTemplateOf(JSON.parse(JSON.stringify(named)));
    expect(again?.apply(hello, {tools: [{}, {}]})).to.equal('with 2');
    expect(await chatTemplateOf(tokens)).to.equal(undefined);
  });

  it('say what is wrong with messages, and with themselves once they are used', async () => {
    const template = await templateOf('{{ messages[0].content }}');
    const apply = (messages: unknown) => template.apply(messages as ChatMessage[]);
    expect(() => apply([])).to.throw(ChatTemplateError, /at least one message/);
    expect(() => apply('Hello')).to.throw(ChatTemplateError, /list of at least one message/);
    expect(() => apply([hello[0], {role: 'user'}])).to.throw(ChatTemplateError, /message 2 must have a role/);
    const broken = await templateOf('{% for message in messages %}');
    expect(() => broken.apply(hello)).to.throw(ChatTemplateError, /cannot be read/);
    const other = await templateOf([{name: 'rag', template: ''}]);
    expect(() => other.apply(hello)).to.throw(ChatTemplateError, /rag have none that is named default/);
  });
});
