// `bmojo generate --chat`: what a user says goes to the model in the form of the folder's template; the answer alone is written.

import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {chatTemplateOf, tokenizerFromJSON} from '../../data/index.js';
import {generateText, LanguageModel} from '../../models/index.js';
import {fromPretrained, writePretrainedFolder} from '../../models/node.js';
import {bmojo} from '../support/command.js';
import {tinyBpe} from '../support/tiny-bpe.js';

const TEMPLATE =
  "{{ bos_token }}{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}{% endfor %}" +
  "{% if messages[0].content == 'no' %}{{ raise_exception('Say more.') }}{% endif %}" +
  "{% if messages[0].content == 'on' %}{% for i in range(10 ** 9) %}{% endfor %}{% endif %}" +
  "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}";
const tokenizer = tokenizerFromJSON(tinyBpe());

describe('bmojo generate --chat', function () {
  this.timeout(300_000);
  let root: string;
  const at = (name: string): string => join(root, name);
  const few = ['--tokens', '6', '--temperature', '0', '--backend', 'cpu', '--quiet'];
  const ask = (...args: string[]) => bmojo(['generate', '--checkpoint', at('hub'), ...few, ...args]);
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'bmojo-chat-'));
    await useBackend('cpu');
    const model = LanguageModel.create({preset: 'mamba', vocabSize: 264, dModel: 16, layers: 1, seed: 3});
    const chatTemplate = await chatTemplateOf({bos_token: '<|endoftext|>', chat_template: TEMPLATE});
    await writePretrainedFolder(at('hub'), {model, tokenizer, chatTemplate});
    await writePretrainedFolder(at('plain'), {model, tokenizer});
    model.model.dispose();
  });
  after(() => rmSync(root, {recursive: true, force: true}));

  it('writes what the library writes behind the text of the conversation', async () => {
    const {model, chatTemplate, stopTokens} = await fromPretrained(at('hub'));
    const prompt = chatTemplate?.apply([
      {role: 'system', content: 'Be brief.'},
      {role: 'user', content: 'the other?'},
    ]);
    expect(prompt).to.equal('<|endoftext|>system: Be brief.\nuser: the other?\nassistant:');
    let text = '';
    const options = {tokenizer, prompt, maxTokens: 6, temperature: 0, stopToken: stopTokens};
    for await (const piece of generateText(model, options)) text += piece;
    model.model.dispose();
    const said = await ask('--chat', '--system', 'Be brief.', '--prompt', 'the other?');
    expect(said.code, said.err).to.equal(0);
    expect(said.out).to.equal(`${text}\n`);
    const messages = [
      {role: 'system', content: 'Be brief.'},
      {role: 'user', content: 'the other?'},
    ];
    writeFileSync(at('messages.json'), JSON.stringify(messages));
    expect((await ask('--chat', '--messages', at('messages.json'))).out).to.equal(said.out);
    const {out} = await ask('--chat', '--prompt', 'the other?', '--prompt', 'the cat', '--json');
    const rows = out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    expect(rows.map(({prompt: of}) => of)).to.deep.equal(
      ['the other?', 'the cat'].map(one => `<|endoftext|>user: ${one}\nassistant:`),
    );
  });

  it('the template leaves with the model, and comes back', async () => {
    const {code, err} = await bmojo([
      'model',
      'export',
      at('hub'),
      '--format',
      'huggingface',
      '--out',
      at('again'),
    ]);
    expect(code, err).to.equal(0);
    const config = 'tokenizer_config.json';
    expect(JSON.parse(readFileSync(at(`again/${config}`), 'utf8'))).to.deep.equal(
      JSON.parse(readFileSync(at(`hub/${config}`), 'utf8')),
    );
  });

  it('says what is missing or does not go together', async () => {
    const said: [string[], string][] = [
      [['--chat'], '--chat needs what the user says'],
      [['--system', 'x', '--prompt', 'y'], '--system needs --chat'],
      [['--chat', '--prompt', 'no'], '--chat: the chat template refuses this conversation: Say more.'],
      [['--chat', '--prompt', 'on'], '--chat: the chat template takes more than the'],
      [['--chat', '--prompt', 'x', '--messages', at('messages.json')], 'it goes without a prompt'],
      [['--chat', '--prompt', 'x', '--state', at('messages.json')], 'it goes without --state'],
    ];
    for (const [args, words] of said) {
      const {code, err} = await ask(...args);
      expect(code, args.join(' ')).to.equal(2);
      expect(err).to.include(words);
      expect(err.trim().split('\n'), 'one line').to.have.length(1);
    }
    const plain = await bmojo(['generate', '--checkpoint', at('plain'), '--chat', '--prompt', 'x']);
    expect(plain.code).to.equal(2);
    expect(plain.err).to.include('has no chat template');
  });
});
