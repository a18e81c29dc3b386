// Language models as users of the command line meet them.

import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {CheckpointFolder} from '../../experiments/checkpoint-folder.js';
import {sealedJson} from '../../formats/json-file.js';
import {bmojo, interrupted} from '../support/command.js';
import {metricsOf} from '../support/metrics.js';
import {loadCheckpoint} from '../support/snapshots.js';

const SMALL = [
  ...[
    '--context',
    '12',
    '--segments',
    '3',
    '--d-model',
    '8',
    '--heads',
    '1',
    '--layers',
    '2',
    '--window',
    '4',
  ],
  ...['--eidetic-slots', '4', '--state-size', '4', '--batch', '2', '--eval-samples', '4', '--log-every', '1'],
];

describe('language models on the command line', () => {
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-language-'));
    const lines = Array.from({length: 400}, (_, i) => `line ${i * i} of the text\n`);
    writeFileSync(join(folder, 'text.txt'), lines.join(''));
    const made = await bmojo(['data', 'prepare', join(folder, 'text.txt'), '--out', join(folder, 'data')]);
    expect(made.code, made.err).to.equal(0);
  });
  after(() => rmSync(folder, {recursive: true}));
  const at = (name: string): string => join(folder, name);
  const train = (...more: string[]): string[] => ['train', 'lm', '--data', at('data'), ...SMALL, ...more];

  it('keep what a conversation read in a store, where later ones of its stream remember it', async () => {
    const trained = await bmojo(train('--storage', '2', '--steps', '2', '--out', at('storing')));
    expect(trained.code, trained.err).to.equal(0);
    const generate = (...more: string[]) =>
      bmojo(['generate', '--checkpoint', at('storing'), '--quiet', '--tokens', '5', ...more]);
    const stored = ['--memory', at('memory')];
    const fresh = await generate('--prompt', 'line 4 of', ...stored, '--stream', 'bert');
    expect(fresh.code, fresh.err).to.equal(0);
    const read = await generate('--prompt', 'line 16 of the text', ...stored, '--stream', 'anna');
    expect(read.code, read.err).to.equal(0);
    const again = await generate('--prompt', 'line 4 of', ...stored, '--stream', 'anna');
    expect(again.code, again.err).to.equal(0);
    expect((await generate('--prompt', 'line 4 of')).out, 'an empty store is none').to.equal(fresh.out);
    const stats = await bmojo(['memory', 'stats', ...stored, '--json']);
    const {parts} = JSON.parse(stats.out);
    // The last token of each was written and not read.
    const tokens = (prompt: string): number => prompt.length + 5 - 1;
    expect(
      parts.map((part: {stream: string; layer: number; rows: number}) => [
        part.stream,
        part.layer,
        part.rows,
      ]),
    ).to.deep.equal([
      ['anna', 1, tokens('line 16 of the text') + tokens('line 4 of')],
      ['bert', 1, tokens('line 4 of')],
    ]);
    const perplexity = async (...more: string[]) => {
      const measured = await bmojo(
        ['eval', 'perplexity', '--checkpoint', at('storing'), '--json'].concat([
          '--prefixes',
          '4,12',
          '--targets',
          '4',
          '--windows',
          '2',
          ...more,
        ]),
      );
      expect(measured.code, measured.err).to.equal(0);
      return JSON.parse(measured.out).byPrefix.map(({loss}: {loss: number}) => loss);
    };
    const begun = await perplexity(...stored);
    const remembering = await perplexity(...stored, '--stream', 'anna');
    for (const [i, loss] of remembering.entries()) expect(loss).to.not.equal(begun[i]);
    const trainedWith = await bmojo(train(...stored, '--out', at('none')));
    expect([trainedWith.code, trainedWith.err]).to.satisfy(
      ([code, words]: [number, string]) => code === 2 && words.includes('In training the text itself'),
    );
    const plain = await bmojo(train('--steps', '1', '--out', at('plain')));
    expect(plain.code, plain.err).to.equal(0);
    const beyond = ['--length', '8', '--sample', '1000000'];
    const far = await bmojo(['eval', 'memory', '--checkpoint', at('plain'), ...beyond]);
    expect([far.code, /--sample must be below \d+: .* has \d+ tokens/.test(far.err)], far.err).to.deep.equal([
      2,
      true,
    ]);
    const refused = await bmojo(['generate', '--checkpoint', at('plain'), ...stored]);
    expect(refused.err).to.include('trained with --storage above 0');
    expect((await generate('--stream', 'anna')).err).to.include('--stream needs --memory');
  });

  it('begins a run with the weights of another, and refuses those of another model or tokenizer', async () => {
    const first = await bmojo(train('--steps', '3', '--rate', '1e-2', '--out', at('first')));
    expect(first.code, first.err).to.equal(0);
    const lm = [
      'train',
      'lm',
      '--data',
      at('data'),
      '--context',
      '12',
      '--batch',
      '2',
      '--eval-samples',
      '4',
    ];
    const tuned = await bmojo([
      ...[...lm, '--init-from', at('first'), '--out', at('tuned')],
      ...['--steps', '1', '--rate', '0', '--dropout', '0.1'],
    ]);
    expect(tuned.code, tuned.err).to.equal(0);
    expect(tuned.out).to.include(`begins with the weights of ${at('first')}, step 3`);
    const weights = async (run: string) =>
      (await loadCheckpoint(new CheckpointFolder(join(at(run), 'checkpoint')))).weights;
    // At a rate of zero the weights stay what they began with.
    expect(await weights('tuned')).to.deep.equal(await weights('first'));
    expect(readFileSync(join(at('tuned'), 'changes.jsonl'), 'utf8')).to.include('step 3, sha256');
    const wider = await bmojo([...lm, '--init-from', at('first'), '--out', at('wider'), '--d-model', '12']);
    expect(wider.code).to.equal(2);
    expect(wider.err).to.include('holds the weights of another model').and.include('must be [');
    const other = await bmojo([
      'data',
      'prepare',
      join(folder, 'text.txt'),
      '--tokenizer',
      'byte',
      '--out',
      at('bytes'),
    ]);
    expect(other.code, other.err).to.equal(0);
    const bytes = await bmojo([
      'train',
      'lm',
      '--data',
      at('bytes'),
      '--init-from',
      at('first'),
      '--out',
      at('wider'),
    ]);
    expect(bytes.code).to.equal(2);
    expect(bytes.err).to.include('another tokenizer');
    expect(existsSync(at('wider'))).to.equal(false);
  });

  it('trains on characters without a line end, and writes them where no prompt is given', async () => {
    writeFileSync(at('dna.txt'), 'GATTACA'.repeat(200));
    expect((await bmojo(['data', 'prepare', at('dna.txt'), '--out', at('dna')])).code).to.equal(0);
    const line = ['train', 'lm', '--data', at('dna'), ...SMALL, '--steps', '1', '--backend', 'wasm'];
    const {code, err} = await bmojo([...line, '--out', at('of-dna')]);
    expect(code, err).to.equal(0);
    const shown = readdirSync(at('of-dna')).find(name => name.startsWith('events.')) ?? '';
    expect(readFileSync(join(at('of-dna'), shown), 'latin1')).to.match(/[ACGT]{64}/);
    const written = await bmojo(['generate', '--checkpoint', at('of-dna'), '--tokens', '9', '--quiet']);
    expect(written.code, written.err).to.equal(0);
    expect(written.out).to.match(/^A[ACGT]{9}$/m);
  });

  it('refuses damaged tokens before it makes a run folder', async () => {
    cpSync(at('data'), at('damaged'), {recursive: true});
    const tokens = readFileSync(join(at('damaged'), 'train.tokens'));
    tokens[tokens.length - 9] ^= 1;
    writeFileSync(join(at('damaged'), 'train.tokens'), tokens);
    const refused = await bmojo(['train', 'lm', '--data', at('damaged'), ...SMALL, '--out', at('refused')]);
    expect(refused.code).to.equal(1);
    expect(refused.err).to.match(/^bmojo: token file: .*train\.tokens is damaged: .*; prepare it again$/m);
    expect(existsSync(at('refused'))).to.equal(false);
  });

  it('answers mistakes with one line', async () => {
    const cases: [string[], number, string][] = [
      [['train', 'lm'], 2, 'needs --data DIR'],
      [['train', 'lm', '--data', at('none')], 1, 'is no data folder'],
      [
        ['train', 'lm', '--data', at('data'), '--context', '90000', '--out', at('bad')],
        2,
        'a document must have more than 90000 tokens',
      ],
      [train('--parameters', '10', '--out', at('bad')), 2, 'has at least'],
      [['generate', '--checkpoint', folder], 1, 'is no run folder'],
      [['data', 'prepare', at('none.txt'), '--out', at('bad')], 1, 'neither a file nor a corpus'],
      [['data', 'verify', folder], 1, 'is no data folder'],
      [['model', 'info', '--size', '13m'], 2, '--size must be one of'],
    ];
    for (const [args, code, words] of cases) {
      const ended = await bmojo(args);
      expect(ended.err, args.join(' ')).to.include(words);
      expect(ended.err.trim().split('\n').length, ended.err).to.be.at.most(3);
      expect(ended.code, args.join(' ')).to.equal(code);
    }
    expect(existsSync(at('bad'))).to.equal(false);
  });

  it('saves on Ctrl-C inside a stretch of text, resumes bit for bit, and leaves a whole run folder', async () => {
    const common = train('--steps', '31', '--eval-every', '10', '--json');
    const whole = await bmojo([...common, '--out', at('whole')]);
    expect(whole.code, whole.err).to.equal(0);
    const stopped = await interrupted([...common, '--out', at('parts')], /"step":4,/);
    expect(stopped.code, stopped.err).to.equal(130);
    const resumed = await bmojo(['train', 'lm', '--resume', '--json', '--out', at('parts')]);
    expect(resumed.code, resumed.err).to.equal(0);
    const last = (run: string) => loadCheckpoint(new CheckpointFolder(join(at(run), 'checkpoint')));
    expect(await last('parts')).to.deep.equal(await last('whole'));
    expect((await last('whole')).memory).to.include({position: 12, parts: 1});
    expect(metricsOf(at('parts'))).to.equal(metricsOf(at('whole')));
    const files = readdirSync(at('whole'));
    expect(files).to.include.members([
      'best',
      'checkpoint',
      'model',
      'tokenizer.json',
      'curve.svg',
      'result.json',
    ]);
    expect(files.some(name => name.includes('tfevents'))).to.equal(true);
    const {report} = JSON.parse(readFileSync(join(at('whole'), 'result.json'), 'utf8'));
    expect(report.perplexity).to.be.closeTo(Math.exp(report.loss), 1e-9);
    expect(report.tokens).to.equal(4 * 36);
  });

  it('writes text that a saved state continues exactly', async () => {
    const generate = (...more: string[]) =>
      bmojo(['generate', '--checkpoint', at('whole'), '--quiet', ...more]);
    const whole = await generate('--prompt', 'line', '--tokens', '30');
    expect(whole.code, whole.err).to.equal(0);
    expect(whole.out)
      .to.match(/^line/)
      .and.have.lengthOf(4 + 30 + 1);
    const first = await generate('--prompt', 'line', '--tokens', '11', '--save-state', at('state'));
    const second = await generate('--state', at('state'), '--tokens', '19');
    expect(first.out.slice(0, -1) + second.out).to.equal(whole.out);
    expect((await generate('--prompt', 'l\u00e9')).err).to.include('U+00E9');
    writeFileSync(at('state'), 'no state');
    expect((await generate('--state', at('state'))).err).to.include('safetensors');
  });

  it('stops writing on Ctrl-C, with its state saved', async () => {
    const args = ['generate', '--checkpoint', at('whole'), '--prompt', 'line', '--save-state', at('stopped')];
    const ended = await interrupted([...args, '--tokens', '1000000'], /[\s\S]{10}/);
    expect(ended.code, ended.err).to.equal(130);
    expect(ended.err).to.include(`continue with: npx bmojo generate --checkpoint ${at('whole')} --state`);
    expect(ended.out.length, 'text comes while it is written').to.be.within(10, 100_000);
    const more = await bmojo([
      'generate',
      '--checkpoint',
      at('whole'),
      '--state',
      at('stopped'),
      '--tokens',
      '5',
    ]);
    expect(more.out).to.have.lengthOf(6);
  });

  it('loads a run elsewhere: other weights, backends and damaged states are told apart, aloud', async () => {
    cpSync(at('whole'), at('other'), {recursive: true});
    const checkpoints = new CheckpointFolder(join(at('other'), 'checkpoint'));
    const snapshot = await loadCheckpoint(checkpoints);
    snapshot.weights[0].data[0] += 1;
    await checkpoints.save(snapshot);
    const {sha256, ...config} = JSON.parse(readFileSync(join(at('other'), 'config.json'), 'utf8'));
    writeFileSync(join(at('other'), 'config.json'), sealedJson({...config, backend: 'webgpu'}));
    rmSync(join(at('other'), 'best'), {recursive: true});
    process.env.BMOJO_DAWN = at('none.node');
    try {
      const generate = (run: string, ...more: string[]) =>
        bmojo(['generate', '--checkpoint', at(run), '--tokens', '2', ...more]);
      await generate('whole', '--weights', 'last', '--save-state', at('state'));
      const free = await generate('other');
      expect(free.code, free.err).to.equal(0);
      expect(free.err)
        .to.include('other has no evaluation yet')
        .and.include('trained on webgpu, which does not start here; computed on');
      const asked = await generate('other', '--backend', 'webgpu');
      expect(asked.code).to.equal(1);
      expect(asked.err).to.include('BMOJO_DAWN must be the path of a dawn.node file');
      const lost = await bmojo(['train', 'lm', '--resume', '--out', at('other'), '--steps', '40']);
      expect(lost.code).to.equal(1);
      expect(lost.err).to.include('or go on elsewhere: --backend wasm');
      const kept = JSON.parse(readFileSync(join(at('other'), 'config.json'), 'utf8'));
      expect(kept.train.steps, 'nothing changed').to.equal(31);
      const wrong = await generate('other', '--backend', 'wasm', '--state', at('state'));
      expect(wrong.code).to.equal(1);
      expect(wrong.err).to.include('belongs to other weights of this model');
      const rounded = ['--backend', 'wasm', '--weights', 'last', '--dtype', 'bfloat16'];
      const half = await generate('whole', ...rounded);
      expect(half.code, half.err).to.equal(0);
      const other = await generate('whole', ...rounded, '--state', at('state'));
      expect(other.err, 'rounded weights are others').to.include('belongs to other weights of this model');
      writeFileSync(at('latin1.txt'), Buffer.from([0x63, 0x61, 0x66, 0xe9]));
      const text = await generate('whole', '--prompt-file', at('latin1.txt'));
      expect(text.err).to.include('latin1.txt must be UTF-8 text');
      const marked = '\ufeffline 4';
      writeFileSync(at('marked.txt'), marked);
      const said = await generate('whole', '--prompt-file', at('marked.txt'), '--json', '--quiet');
      expect(JSON.parse(said.out).prompt, 'a byte order mark is no text').to.equal(marked.slice(1));
      writeFileSync(at('foreign.jsonl'), `${JSON.stringify({text: 'To be \u{1d11e} be'})}\n`);
      for (const [said, words] of [
        [await generate('whole', '--prompt', '\u{1d11e}'), '--prompt: '],
        [await bmojo(['eval', 'lambada', at('foreign.jsonl'), '--checkpoint', at('whole')]), 'passage 1 of '],
        [await bmojo(['eval', 'needle-text', '--checkpoint', at('whole')]), 'needle-text: '],
      ] as const) {
        expect(said.err).to.include(words).and.include('the corpus of this char tokenizer has no');
        expect(said.code).to.equal(2);
      }
      for (const [command, words] of [
        ['memory --prompt a --text t', '--prompt and --text exclude each other'],
        ['memory --prompt a --length 3', '--prompt and --length exclude each other'],
        ['perplexity --text t --data d', '--text and --data exclude each other'],
      ]) {
        const both = await bmojo(['eval', ...command.split(' '), '--checkpoint', at('whole')]);
        expect([both.code, both.err]).to.deep.equal([2, `bmojo: ${words}\n`]);
      }
      const nowhere = await generate('whole', '--save-state', join(at('none'), 'state'));
      expect([nowhere.code, nowhere.out]).to.deep.equal([2, '']);
    } finally {
      delete process.env.BMOJO_DAWN;
    }
  });

  it('goes on with data that were moved, and with no others', async () => {
    renameSync(at('data'), at('moved'));
    const lost = await bmojo(['train', 'lm', '--resume', '--out', at('whole')]);
    expect(lost.err).to.include('is no data folder').and.include('--data');
    const ended = await bmojo(['train', 'lm', '--resume', '--out', at('whole'), '--data', at('moved')]);
    expect(ended.code, ended.err).to.equal(0);
    writeFileSync(at('else.txt'), 'line 9876543210 of a text\n'.repeat(300));
    await bmojo(['data', 'prepare', at('else.txt'), '--out', at('else')]);
    const other = await bmojo(['train', 'lm', '--resume', '--out', at('whole'), '--data', at('else')]);
    expect(other.code).to.equal(2);
    expect(other.err).to.include('other tokens than the run was started with');
    rmSync(at('moved'), {recursive: true});
    renameSync(at('else'), at('moved'));
    const replaced = await bmojo(['train', 'lm', '--resume', '--out', at('whole')]);
    expect(replaced.code).to.equal(1);
    expect(replaced.err).to.include('was encoded by another tokenizer than the model of');
  });

  it('meets data of its own tokenizer alone, whatever the vocabulary’s size', async () => {
    const trials = join(import.meta.dirname, '../../../test/trials');
    for (const name of ['a', 'b'])
      await bmojo(['data', 'prepare', join(trials, `alphabet-${name}.txt`), '--out', at(`alphabet-${name}`)]);
    const run = at('alphabet-run');
    const options = [...SMALL, '--steps', '1', '--backend', 'wasm', '--out', run];
    const trained = await bmojo(['train', 'lm', '--data', at('alphabet-a'), ...options]);
    expect(trained.code, trained.err).to.equal(0);
    const evaluate = (data: string) =>
      bmojo([
        'eval',
        'perplexity',
        '--checkpoint',
        run,
        '--data',
        data,
        '--prefixes',
        '0',
        '--targets',
        '8',
        '--windows',
        '2',
      ]);
    expect((await evaluate(at('alphabet-a'))).code).to.equal(0);
    const refused = await evaluate(at('alphabet-b'));
    expect(refused.code).to.equal(1);
    expect(refused.err).to.match(
      /^[^\n]*another tokenizer than the model of[^\n]*data prepare FILES --tokenizer [^\n]*\n$/,
    );
    // The same tokens, with other letters for them, in a folder that keeps no digest.
    const {characters, ...rest} = JSON.parse(readFileSync(join(run, 'tokenizer.json'), 'utf8'));
    writeFileSync(
      join(at('alphabet-a'), 'tokenizer.json'),
      JSON.stringify({...rest, characters: characters.reverse()}),
    );
    const record = join(at('alphabet-a'), 'data.json');
    const {tokenizer: _, sha256, ...earlier} = JSON.parse(readFileSync(record, 'utf8'));
    writeFileSync(record, JSON.stringify(earlier));
    const before = readFileSync(join(run, 'config.json'), 'utf8') + readdirSync(run).sort().join();
    const resumed = await bmojo(['train', 'lm', '--resume', '--out', run, '--steps', '2']);
    expect(resumed.code).to.equal(1);
    expect(resumed.err).to.include('another tokenizer than the model of');
    expect(readFileSync(join(run, 'config.json'), 'utf8') + readdirSync(run).sort().join()).to.equal(before);
  });
});
