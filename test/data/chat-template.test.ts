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

  it('are refused where something else stands in their place', async () => {
    for (const value of [3, [3], [{name: 'default'}], {default: 'text'}]) {
      const error = await templateOf(value).catch(reason => reason);
      expect(error).to.be.instanceOf(ChatTemplateError);
      expect(error.message).to.match(/chat_template must be text, or a list of objects with a name/);
    }
    expect(await chatTemplateOf({...tokens, chat_template: null})).to.equal(undefined);
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

  const grow = (times: number, next: string): string =>
    `{% set ns = namespace(t='x', l=[1]) %}{% for i in range(${times}) %}${next}{% endfor %}`;
  const endless: readonly (readonly [name: string, template: string])[] = [
    ['loops in loops', `${'{% for i in range(1000) %}'.repeat(6)}${'{% endfor %}'.repeat(6)}`],
    ['a range', '{{ range(10 ** 12) | length }}'],
    ['a text', `${grow(60, '{% set ns.t = ns.t + ns.t %}')}{{ ns.t | length }}`],
    ['a list', `${grow(60, '{% set ns.l = ns.l + ns.l %}')}{{ ns.l | length }}`],
    ['a list of lists', `${grow(60, '{% set ns.l = [ns.l, ns.l] %}')}{{ ns.l | tojson | length }}`],
    [
      'a list of lists that can change',
      `${grow(60, '{% set ns.l = [namespace(l=ns.l), namespace(l=ns.l)] %}')}{{ ns.l | tojson | length }}`,
    ],
    ['macros', '{% macro f(n) %}{{ f(n - 1) if n }}{{ f(n - 1) if n }}{% endmacro %}{{ f(60) }}'],
    [
      'searches',
      `${grow(17, '{% set ns.t = ns.t + ns.t %}')}{% for i in range(100000) %}{{ 'y' in ns.t }}{% endfor %}`,
    ],
    [
      'macros that are looked through',
      `{% for i in range(100000) %}{% macro f() %}${'{{ a }}'.repeat(3000)}{% endmacro %}{% endfor %}`,
    ],
  ];
  for (const [name, source] of endless)
    it(`without an end are stopped after as many steps everywhere: ${name}`, async () => {
      const template = await templateOf(source);
      expect(() => template.apply(hello)).to.throw(
        ChatTemplateError,
        /^the chat template takes more than the \d+ steps .*write the prompt in full$/,
      );
    });

  it('that nest without an end, write too much, or are too long are refused in words', async () => {
    for (const [source, words] of [
      ['{% set ns = namespace() %}{% set ns.own = ns %}{{ ns }}', /refuses.*nests too deep/],
      [`{{ ${'('.repeat(100_000)}`, /cannot be read: it nests too deep/],
      ['{{ [[1], [2]] | tojson(indent=10 ** 9) }}', /refuses.*a text that is too long/],
      ['x'.repeat(300_000), /at most 262144 characters, has 300000/],
      [`${' '.repeat(10_000)}{{ 1 }}`, /at most 4096 characters of white space on end, has 10000/],
      ['{{ range(10 ** 16, 10 ** 17) }}', /refuses.*range\(\) takes whole numbers/],
    ] as const) {
      const template = await templateOf(source);
      expect(() => template.apply(hello), source.slice(0, 40)).to.throw(ChatTemplateError, words);
    }
  });

  it('write conversations of thousands of messages, which are worth more steps', async () => {
    const {template} = cases[0];
    const long = Array.from({length: 4000}, (_, i) => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content: `message ${i}`,
    }));
    const text = (await templateOf(sourceOf(template))).apply(long);
    expect(text).to.include('message 3999');
    const back =
      "{% for m in messages %}{% if messages[loop.index0 - 1].role == m.role %}{% endif %}{{ m.content + ';' }}{% endfor %}";
    expect((await templateOf(back)).apply(long).split(';')).to.have.lengthOf(4001);
  });

  it('count in ranges as Python does, and know the date', async () => {
    const counts =
      '{{ range(3) }} {{ range(1, 3) }} {{ range(5, 0, -2) }} {{ range(2, 2) | length }} {{ range(0, 7, 3) | length }}';
    expect((await templateOf(counts)).apply(hello)).to.equal('[0, 1, 2] [1, 2] [5, 3, 1] 0 3');
    expect((await templateOf("{{ strftime_now('%Y') }}")).apply(hello)).to.match(/^20\d\d$/);
  });
});
