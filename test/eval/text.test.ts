// Evaluations of text: loss by prefix and position, and last words.

import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {memory, tensor2d} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import type {Batch} from '../../data/batch.js';
import {PassageError, readPassages} from '../../data/files/passages.js';
import {randomStream} from '../../data/random.js';
import {memoryTokens} from '../../data/token-source.js';
import {byteTokenizer, charTokenizer, tokenizerFromJSON} from '../../data/tokenizers/index.js';
import {WindowError} from '../../data/windows.js';
import {evaluateLambada, lambadaRecord} from '../../eval/lambada.js';
import {evaluateLanguage} from '../../eval/language.js';
import {evaluateNeedleText} from '../../eval/needle-text.js';
import {evaluatePerplexity} from '../../eval/perplexity.js';
import {perplexityRecords} from '../../eval/perplexity-record.js';
import type {Scored} from '../../eval/scorable.js';
import {LanguageModel} from '../../models/index.js';
import {tinyBpe} from '../support/tiny-bpe.js';

const random = randomStream([5, 5], 0);
const text = Array.from({length: 3000}, () => random.integer(50));
const source = memoryTokens([text], 50, 6000);

/** Losses [length] of the tokens after each of `inputs`, all in one piece. */
async function wholeLosses(model: LanguageModel, inputs: number[], labels: number[]): Promise<number[]> {
  const hidden = model.hidden(tensor2d([inputs], undefined, 'int32'));
  const logits = await model.logits(hidden.reshape([inputs.length, -1])).array();
  return logits.map((row, i) => Math.log(row.reduce((sum, one) => sum + Math.exp(one), 0)) - row[labels[i]]);
}

describe('perplexity', () => {
  let model: LanguageModel;
  before(async () => {
    await useBackend('wasm');
    model = LanguageModel.create({
      vocabSize: 50,
      dModel: 16,
      window: 8,
      eideticSlots: 8,
      preset: 'bmojo',
      seed: 2,
    });
    for (const {variable} of model.parameters().slice(0, 1)) variable.assign(variable.mul(40));
  });
  after(() => model.model.dispose());

  const options = {prefixes: [0, 64, 1200], targets: 32, windows: 2, batch: 2, trained: 100};

  it('compares with the prefix that is asked for', async () => {
    const {reference, byPrefix} = await evaluatePerplexity(model, source, {
      ...options,
      prefixes: [0, 64],
      reference: 0,
    });
    expect(reference).to.equal(0);
    expect(byPrefix[0].change.mean).to.equal(0);
    expect(byPrefix[1].change.mean).to.be.closeTo(byPrefix[1].loss - byPrefix[0].loss, 1e-6);
    expect(byPrefix[1].change.mean).not.to.equal(0);
  });

  it('scores the same tokens after each prefix, in pieces as in one', async () => {
    await evaluatePerplexity(model, source, options);
    const before = memory().numTensors;
    const report = await evaluatePerplexity(model, source, options);
    expect(memory().numTensors).to.equal(before);
    expect(report.windows).to.equal(2);
    const starts = [0, 1232];
    const lastLosses = new Map<number, number[][]>();
    for (const {prefix, loss, tokens, bitsPerByte, perplexity} of report.byPrefix) {
      const losses = await Promise.all(
        starts.map(start => {
          const first = start + 1200 - prefix;
          const end = start + 1232;
          return wholeLosses(model, text.slice(first, end), text.slice(first + 1, end + 1));
        }),
      );
      const last = losses.flatMap(one => one.slice(-32));
      expect(tokens).to.equal(64);
      expect(loss).to.be.closeTo(last.reduce((a, b) => a + b, 0) / 64, 2e-4);
      expect(perplexity).to.be.closeTo(Math.exp(loss), 1e-9);
      expect(bitsPerByte).to.be.closeTo(loss / Math.LN2 / 2, 1e-9);
      lastLosses.set(
        prefix,
        losses.map(one => one.slice(-32)),
      );
    }
    expect(report.reference).to.equal(64);
    for (const {prefix, change} of report.byPrefix) {
      const [first, second] = [0, 1].map(window => {
        const mean = (of: number): number =>
          (lastLosses.get(of)?.[window] ?? []).reduce((a, b) => a + b, 0) / 32;
        return mean(prefix) - mean(64);
      });
      expect(change.mean).to.be.closeTo((first + second) / 2, 4e-4);
      expect(change.error).to.be.closeTo(Math.abs(first - second) / 2, 4e-4);
    }
    const whole = await wholeLosses(model, text.slice(0, 1232), text.slice(1, 1233));
    const other = await wholeLosses(model, text.slice(1232, 2464), text.slice(1233, 2465));
    expect(report.byPosition.map(({from, to}) => [from, to])).to.deep.equal([
      [0, 256],
      [256, 512],
      [512, 1024],
      [1024, 1232],
    ]);
    const early = [...whole.slice(0, 256), ...other.slice(0, 256)];
    expect(report.byPosition[0].loss).to.be.closeTo(early.reduce((a, b) => a + b, 0) / 512, 2e-4);
    const records = perplexityRecords({
      report,
      model: 'bmojo',
      text: 'noise',
      trained: 64,
      command: 'x',
      step: 1,
    });
    expect(records.map(({name}) => name)).to.deep.equal(['perplexity-by-prefix', 'perplexity-by-position']);
    expect(records[0].table).to.have.lengthOf(4);
    expect(records[0].table[2].at(-1)).to.equal('reference');
    expect(records[0].table[3].at(-1)).to.match(/^[+-]\d\.\d{4} ± \d\.\d{4}$/);
    expect(records[0].plot?.marks).to.deep.equal([{x: 64, words: 'trained at 64'}]);
  });

  it('says when no document is long enough', async () => {
    const failed = await evaluatePerplexity(model, source, {...options, prefixes: [4096]}).catch(
      error => error,
    );
    expect(failed).to.be.instanceOf(WindowError);
    expect(failed.message)
      .to.include('the longest has 3000; a prefix of 4096')
      .and.not.include('--cross-borders');
  });
});

describe('last words', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-passages-'));
  });
  after(() => rmSync(folder, {recursive: true}));
  const file = (content: string): string => {
    const path = join(folder, 'passages.jsonl');
    writeFileSync(path, content);
    return path;
  };

  it('are cut at the last space', () => {
    const path = file('{"text": "He said yes "}\n\n{"text": "a b\\nc d"}\n');
    expect(readPassages(path)).to.deep.equal([
      {context: 'He said', target: ' yes'},
      {context: 'a b\nc', target: ' d'},
    ]);
  });

  it('are refused line by line', () => {
    for (const [content, words] of [
      ['{"text": "a b"}\n{"text": "a', 'line 2 of'],
      ['{"passage": "a b"}', 'line 1 of'],
      ['{"text": 3}', 'must be an object with text'],
      ['{"text": "one"}', 'must have at least two words'],
      ['\n\n', 'holds none'],
    ])
      expect(() => readPassages(file(content)), content).to.throw(PassageError, words);
    expect(() => readPassages(join(folder, 'none'))).to.throw(PassageError, 'does not exist');
  });

  it('count as right when every token is the most likely, in any batch', async () => {
    await useBackend('wasm');
    const model = LanguageModel.create({
      vocabSize: 256,
      dModel: 16,
      window: 8,
      eideticSlots: 4,
      preset: 'bmojo',
      seed: 2,
    });
    for (const {variable} of model.parameters().slice(0, 1)) variable.assign(variable.mul(40));
    const tokenizer = byteTokenizer();
    const contexts = ['Once', 'There was a', 'And then they all went to the'];
    // The model's own greedy continuation of one letter is right; any other letter is wrong.
    const passages = await Promise.all(
      contexts.map(async (context, i) => {
        const ids = [...tokenizer.encode(`${context} `)];
        const logits = await model
          .logits(model.hidden(tensor2d([ids], undefined, 'int32')).reshape([ids.length, -1]))
          .array();
        const last = logits[ids.length - 1];
        const best = last.indexOf(Math.max(...last));
        return {
          context,
          target: ` ${String.fromCharCode(i === 1 ? (best + 1) % 128 : best % 128)}`,
          ids,
          best,
        };
      }),
    );
    const expected = await Promise.all(
      passages.map(async ({context, target}) => {
        const ids = [...tokenizer.encode(context + target)];
        const losses = await wholeLosses(model, ids.slice(0, -1), ids.slice(1));
        return losses.slice(-2).reduce((a, b) => a + b, 0);
      }),
    );
    const one = await evaluateLambada(model, tokenizer, passages, {batch: 1});
    const all = await evaluateLambada(model, tokenizer, passages, {batch: 3});
    expect(all.passages).to.equal(3);
    expect(all.targetTokens).to.equal(2);
    expect(all.accuracy).to.equal(one.accuracy);
    expect(Math.log(all.perplexity)).to.be.closeTo(expected.reduce((a, b) => a + b, 0) / 3, 1e-3);
    expect(Math.log(one.perplexity)).to.be.closeTo(Math.log(all.perplexity), 1e-4);
    for (const {probability, share} of all.byProbability)
      expect(share, String(probability)).to.equal(
        expected.filter(loss => Math.exp(-loss) >= probability).length / 3,
      );
    const {plot} = lambadaRecord(all, {file: 'f', model: 'bmojo', command: 'c', step: 1});
    expect(plot?.series[0].points).to.deep.equal(
      all.byProbability.map(({probability, share}) => [probability, share]),
    );
    model.model.dispose();
  });
});

describe('needles in a haystack of text', () => {
  it('are found where every token is right, and have the mean loss of all tokens of answers', async () => {
    const tokenizer = byteTokenizer();
    // All is right but the first two tokens of the second answer and of the third, whatever the batch.
    let seen = 0;
    let answered = 0;
    const model = {
      hidden: () => expect.fail('answers of its own'),
      logits: () => expect.fail('answers of its own'),
      scoreBatch: async ({rows, labels, length}: Batch): Promise<Scored> => {
        const prompts = Array.from(rows, row => seen + Math.floor(row / length));
        seen = prompts[prompts.length - 1] + 1;
        answered += rows.length;
        const wrong = (i: number): boolean => prompts[i] % 3 !== 0 && prompts[i - 2] !== prompts[i];
        return {
          predicted: labels.map((label, i) => (wrong(i) ? label + 1 : label)),
          losses: Float32Array.from(prompts, prompt => prompt),
        };
      },
    };
    for (const batch of [1, 2, 3]) {
      seen = 0;
      answered = 0;
      const settings = {kind: 'multi-value', length: 900, depth: 0.5, samples: 3, batch, seed: 1} as const;
      const found = await evaluateNeedleText(model, tokenizer, settings);
      expect(found.accuracy).to.be.closeTo(1 / 3, 1e-12);
      // All answers are of the same length: four numbers of seven digits.
      expect(answered % 3).to.equal(0);
      expect(found.loss).to.be.closeTo(1, 1e-12);
    }
  });
});

describe('bits per byte', () => {
  it('count the bytes of the tokens that were scored', async () => {
    await useBackend('cpu');
    // Three bytes a token in the first half, one in the second.
    const tokenizer = charTokenizer(['a', 'b', '\u4f60', '\u597d']);
    const ids = [
      ...Array.from({length: 64}, (_, i) => 2 + (i % 2)),
      ...Array.from({length: 64}, (_, i) => i % 2),
    ];
    const bytes = memoryTokens([ids], 4, 256, id => tokenizer.bytesOf(id));
    const model = LanguageModel.create({
      vocabSize: 4,
      dModel: 8,
      window: 4,
      eideticSlots: 2,
      preset: 'bmojo',
      seed: 1,
    });
    for (const [start, each] of [
      [0, 3],
      [64, 1],
    ]) {
      const {loss, bitsPerByte} = await evaluateLanguage(model, bytes, {
        starts: [start],
        context: 16,
        batch: 1,
      });
      expect(bitsPerByte).to.be.closeTo(loss / Math.LN2 / each, 1e-9);
    }
    const {byPrefix, byPosition} = await evaluatePerplexity(model, bytes, {
      ...{prefixes: [0, 56], targets: 16, windows: 1, batch: 1, trained: 16},
    });
    // Scored: tokens 57 to 72 of the window, seven of which are of three bytes.
    for (const {loss, bitsPerByte, tokens} of byPrefix)
      expect(bitsPerByte).to.be.closeTo((loss * tokens) / Math.LN2 / (7 * 3 + 9), 1e-6);
    expect(byPosition[0].tokens).to.equal(72);
    expect(byPosition[0].bitsPerByte).to.be.closeTo(
      (byPosition[0].loss * 72) / Math.LN2 / (63 * 3 + 9),
      1e-6,
    );
    model.model.dispose();
  });

  it('bytes of tokens together are those of the text, for every tokenizer', () => {
    const text = 'the \u00e9t\u00e9, the \u4f60\u597d \u{1f600}.';
    const metaspace = {type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'always', split: true};
    const words = [
      '<unk>',
      '\u2581the',
      '\u2581a',
      ...Array.from({length: 256}, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`),
    ];
    const sentencepiece = {
      ...tinyBpe(),
      added_tokens: [],
      pre_tokenizer: metaspace,
      decoder: {
        type: 'Sequence',
        decoders: [
          {type: 'Replace', pattern: {String: '\u2581'}, content: ' '},
          {type: 'ByteFallback'},
          {type: 'Fuse'},
          {type: 'Strip', content: ' ', start: 1, stop: 0},
        ],
      },
      model: {
        type: 'BPE',
        unk_token: '<unk>',
        byte_fallback: true,
        vocab: Object.fromEntries(
          [...words, '\u2581', 't', 'h', 'e', 'th', '\u2581t', '\u2581th'].map((word, id) => [word, id]),
        ),
        merges: [
          ['t', 'h'],
          ['\u2581', 'th'],
          ['\u2581th', 'e'],
        ],
      },
    };
    const all = {
      byte: byteTokenizer(),
      char: charTokenizer([...new Set(text)]),
      bpe: tokenizerFromJSON(tinyBpe()),
    };
    for (const [name, tokenizer] of Object.entries(all)) {
      const total = [...tokenizer.encode(text)].reduce((sum, id) => sum + tokenizer.bytesOf(id), 0);
      expect(total, name).to.equal(Buffer.byteLength(text));
    }
    const bpe = tokenizerFromJSON(sentencepiece);
    // The space before the first word is the tokenizer's own.
    const total = [...bpe.encode(text)].reduce((sum, id) => sum + bpe.bytesOf(id), 0);
    expect(total).to.equal(Buffer.byteLength(text) + 1);
    expect(tokenizerFromJSON(tinyBpe()).bytesOf(0), 'the end of a text').to.equal(0);
  });
});
