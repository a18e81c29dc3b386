// What a folder of the Hub says of how text is written goes with its model: into a run, its model folders, and out again.

import {cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {charTokenizer, huggingFaceJson} from '../../data/tokenizers/index.js';
import {openTrained} from '../../experiments/trained.js';
import {fromPretrained, openModel} from '../../models/node.js';
import {bmojo} from '../support/command.js';

const golden = join(import.meta.dirname, '../../../test/golden/hf/llama');
const TEMPLATE =
  "{% for message in messages %}{{ bos_token ~ message.role ~ ': ' ~ message.content }}{% endfor %}.";
const hello = [{role: 'user', content: 'hello'}];
const PROMPT = '<s>user: hello.';
const characters = [...'abcdefghijklmnopqrstuvwxyz .:\n'];
const BEGIN = characters.length;
/** `<s>` begins a text, by tokenizer_config.json; two ids end one, by generation_config.json. */
const kept = {startTokens: [BEGIN], stopTokens: [7, 9]};

function tokenizerJson(): object {
  const begin = {id: BEGIN, content: '<s>', single_word: false, lstrip: false, rstrip: false};
  return {
    ...huggingFaceJson(charTokenizer(characters)),
    added_tokens: [{...begin, normalized: false, special: true}],
  };
}

describe('what a folder of the Hub says of text', function () {
  this.timeout(300_000);
  let root: string;
  const at = (name: string): string => join(root, name);
  const run = async (...args: string[]): Promise<string> => {
    const {code, err, out} = await bmojo(args);
    expect(code, `${args.join(' ')}: ${err}`).to.equal(0);
    return out;
  };
  const train = (from: string, out: string): Promise<string> =>
    run(
      ...['train', 'lm', '--data', at('data'), '--init-from', at(from), '--out', at(out), '--backend', 'cpu'],
      ...['--steps', '2', '--batch', '2', '--context', '8', '--eval-samples', '2', '--eval-every', '2'],
    );
  /** What commands use. */
  async function expectKept(folder: string): Promise<void> {
    const {startTokens, stopTokens, chatTemplate} = await openTrained(at(folder));
    expect({startTokens, stopTokens}, folder).to.deep.equal(kept);
    expect(chatTemplate?.apply(hello), folder).to.equal(PROMPT);
  }
  async function expectPretrained(folder: string): Promise<void> {
    const {model, startTokens, stopTokens, chatTemplate} = await fromPretrained(at(folder));
    model.model.dispose();
    expect({startTokens, stopTokens}, folder).to.deep.equal(kept);
    expect(chatTemplate?.apply(hello), folder).to.equal(PROMPT);
  }

  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'bmojo-kept-'));
    cpSync(golden, at('hub'), {recursive: true});
    writeFileSync(at('hub/tokenizer.json'), JSON.stringify(tokenizerJson()));
    writeFileSync(
      at('hub/tokenizer_config.json'),
      JSON.stringify({add_bos_token: true, bos_token: '<s>', chat_template: TEMPLATE}),
    );
    writeFileSync(at('hub/generation_config.json'), JSON.stringify({eos_token_id: kept.stopTokens}));
    writeFileSync(at('text.txt'), 'the cat saw the other bird.\n'.repeat(60));
    await run(
      'data',
      'prepare',
      at('text.txt'),
      '--tokenizer',
      at('hub/tokenizer.json'),
      '--out',
      at('data'),
    );
    await train('hub', 'run');
  });
  after(() => rmSync(root, {recursive: true, force: true}));

  it('is kept by a run, its model folders, and runs that begin with these', async () => {
    for (const folder of ['hub', 'run', 'run/model', 'run/model-best']) await expectKept(folder);
    const {model, card, chatTemplate} = await openModel(at('run/model'));
    model.model.dispose();
    expect(card?.generation).to.deep.include(kept);
    expect(chatTemplate?.apply(hello)).to.equal(PROMPT);
    await train('run/model', 'second');
    await train('second', 'third');
    for (const folder of ['second', 'third', 'third/model']) await expectKept(folder);
  });

  it('leaves with exports, ours and those of the Hub, and with grafts', async () => {
    await run('model', 'export', at('run/model'), '--dtype', 'float16', '--out', at('half'));
    await run('model', 'export', at('hub'), '--out', at('hub-as-ours'));
    await run('graft', at('run'), '--window', '4', '--state-size', '4', '--out', at('grafted'));
    const hub = ['--format', 'huggingface', '--weights', 'last'];
    await run('model', 'export', at('run'), ...hub, '--out', at('out'));
    for (const folder of ['half', 'hub-as-ours', 'grafted', 'out']) await expectKept(folder);
    for (const folder of ['grafted', 'out']) await expectPretrained(folder);
  });

  it('is what generate and eval use: a run and the folder made of it answer alike', async () => {
    const few = ['--tokens', '4', '--temperature', '0', '--backend', 'cpu', '--quiet'];
    const ask = (folder: string, ...weights: string[]): Promise<string> =>
      run('generate', '--checkpoint', at(folder), ...weights, ...few, '--chat', '--prompt', 'hello');
    const lengths = ['--prefixes', '0,4', '--targets', '4', '--windows', '2', '--backend', 'cpu', '--json'];
    /** All but the step, which a folder of the Hub does not know. */
    const measure = async (folder: string, ...weights: string[]): Promise<unknown> => {
      const of = ['eval', 'perplexity', '--checkpoint', at(folder), '--data', at('data')];
      const {step, ...found} = JSON.parse(await run(...of, ...weights, ...lengths));
      expect(found).to.not.deep.equal({});
      return found;
    };
    const last = ['--weights', 'last'];
    expect(await ask('out')).to.equal(await ask('run', ...last));
    expect(await measure('out')).to.deep.equal(await measure('run', ...last));
  });

  it('is refused where it was changed, and not there in runs of before', async () => {
    const file = at('third/generation.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace(String(BEGIN), '1'));
    const {code, err} = await bmojo(['generate', '--checkpoint', at('third'), '--prompt', 'x']);
    expect(code).to.equal(1);
    expect(err).to.include('generation.json is damaged or was changed');
    rmSync(file);
    const {startTokens, stopTokens, chatTemplate} = await openTrained(at('third'));
    expect([startTokens, stopTokens, chatTemplate]).to.deep.equal([undefined, undefined, undefined]);
    const said = await bmojo(['generate', '--checkpoint', at('third'), '--chat', '--prompt', 'x']);
    expect(said.code).to.equal(2);
    expect(said.err).to.include('has no chat template');
  });
});
