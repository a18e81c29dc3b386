// Language modelling as the command line knows it: `bmojo train lm --data DIR`.

import {join, resolve} from 'node:path';
import type {Schema, Settings} from '../../config/schema.js';
import {flag, integer, SettingError, text} from '../../config/schema.js';
import type {DataFolder} from '../../data/files/index.js';
import {checkSameTokenizer, closeData, openData, TokenFileError} from '../../data/files/index.js';
import type {Tokenizer} from '../../data/tokenizers/index.js';
import {openingOf} from '../../data/tokenizers/index.js';
import {WindowIndex} from '../../data/windows.js';
import type {LanguageReport} from '../../eval/language.js';
import {evaluateLanguage} from '../../eval/language.js';
import {spreadOf} from '../../eval/seeds.js';
import {perplexityText} from '../../eval/table.js';
import {writeFileAtomic} from '../../formats/atomic-file.js';
import {beyondContextWords} from '../../models/beyond-context.js';
import {asLanguageModel} from '../../models/create.js';
import {generateText} from '../../models/generate.js';
import type {LanguageModel} from '../../models/language-model.js';
import {LogitsError} from '../../models/token-sampling.js';
import {languageWorkload} from '../../train/language-workload.js';
import type {ComparedRun, Report, WorkloadFamily} from './family.js';
import {isLanguageReport} from './family.js';

export const languageSchema = {
  data: text('', 'folder made by bmojo data prepare'),
  context: integer(64, 1, 1 << 24, 'tokens L of a sample in one update'),
  segments: integer(
    1,
    1,
    1 << 20,
    'consecutive updates on one stretch of text with the memory carried over, gradients cut between',
  ),
  crossBorders: flag(false, "let samples cross documents' borders, for corpora of short documents"),
  checksum: text('', 'SHA-256 of the training tokens; filled in, and compared when a run goes on'),
} as const;

/** What helps where no document is as long as a sample. */
const SHORTER =
  'shorten --context or take fewer --segments, or let samples cross borders with --cross-borders';

type LanguageSettings = Settings<typeof languageSchema>;

/** The settings that `parseSettings` has checked against the schema above. */
function settingsOf(data: Settings<Schema>): LanguageSettings {
  const {data: folder, context, segments, crossBorders, checksum} = data;
  return {
    data: String(folder),
    context: Number(context),
    segments: Number(segments),
    crossBorders: crossBorders === true,
    checksum: String(checksum),
  };
}

/** Errors: Error for the report of another workload. */
export function languageOf(report: Report): LanguageReport {
  if (!isLanguageReport(report)) throw new Error('a report of language was expected, got one of recall');
  return report;
}

function withData<T>(folder: string, use: (data: DataFolder) => T): T {
  const data = openData(folder);
  try {
    return use(data);
  } finally {
    closeData(data);
  }
}

/** Windows scored at the same time, bounded by tokens. */
const EVAL_TOKENS = 2048;

/** Tokens of a text that shows how far a training is. */
const SHOWN_TOKENS = 64;

/** A text that the model writes, or why it writes none: what ends a training is its loss, not what it shows on the way. */
export async function written(model: LanguageModel, tokenizer: Tokenizer): Promise<string> {
  const prompt = openingOf(tokenizer);
  if (tokenizer.encode(prompt).length === 0) return '';
  let text = '';
  try {
    for await (const piece of generateText(model, {
      tokenizer,
      prompt,
      maxTokens: SHOWN_TOKENS,
      temperature: 0.8,
    }))
      text += piece;
  } catch (error) {
    if (!(error instanceof LogitsError)) throw error;
    text += `(${error.message})`;
  }
  return text;
}

export const languageFamily: WorkloadFamily = {
  name: 'lm',
  summary: 'language modelling: predict the next token of text',
  schema: languageSchema,
  // The rotary base holds far beyond the context: see `Length` in RESULTS.md.
  modelDefaults: {mlp: true, layers: 4, dModel: 128, heads: 4, rotaryBase: 100},
  trainDefaults: {
    steps: 2000,
    batch: 12,
    rate: 1e-3,
    finalRate: 0.1,
    beta2: 0.99,
  },
  rates: '1e-3',
  examples: [
    [
      '--data runs/data/shakespeare --layers 2 --d-model 64 --heads 2 --window 16 --eidetic-slots 16 ' +
        '--segments 8 --rate 5e-3 --steps 1000 --out runs/shakespeare',
      'a small model of characters, minutes on one core; without sizes and steps a larger one',
    ],
  ],
  completeData: data => {
    const settings = settingsOf(data);
    if (settings.data === '')
      throw new SettingError('lm: needs --data DIR, a folder made by bmojo data prepare');
    const {context, segments, crossBorders} = settings;
    return withData(settings.data, ({train, valid}) => {
      for (const source of [train, valid])
        new WindowIndex(source, context * segments, {crossBorders, remedy: SHORTER});
      return {...data, data: resolve(settings.data), checksum: train.sha256};
    });
  },
  vocabSize: data => withData(settingsOf(data).data, ({tokenizer}) => tokenizer.vocabSize),
  open: ({data: given, train: {evalSamples}}) => {
    const settings = settingsOf(given);
    const {context, segments, crossBorders, checksum} = settings;
    const data = openData(settings.data, {verify: true});
    try {
      if (data.train.sha256 !== checksum)
        throw new TokenFileError(
          `${settings.data} holds other tokens than the run was started with; prepare the same data again`,
        );
      const windows = new WindowIndex(data.valid, context * segments, {crossBorders});
      const starts = windows.spread(evalSamples);
      const batch = Math.max(1, Math.floor(EVAL_TOKENS / context));
      return {
        workload: languageWorkload(data.train, {context, segments, crossBorders}),
        evaluate: model =>
          evaluateLanguage(asLanguageModel(model), data.valid, {starts, context, segments, batch}),
        sample: data.valid.read(starts[0], context * segments),
        write: model => written(model, data.tokenizer),
        stateLength: context * segments,
        close: () => closeData(data),
      };
    } catch (error) {
      closeData(data);
      throw error;
    }
  },
  notice: ({data: given, model}) => {
    const {data, context, segments, crossBorders} = settingsOf(given);
    const far = beyondContextWords(model, context * segments);
    const unseen = withData(data, ({train}) => {
      const {unused} = new WindowIndex(train, context * segments, {crossBorders});
      if (unused === 0) return undefined;
      const share = (100 * unused).toPrecision(2);
      return `${share} % of the training tokens stand in documents shorter than a sample and are never seen; --cross-borders uses them`;
    });
    const notes = [unseen, far].flatMap(words => (words === undefined ? [] : [`note: ${words}`]));
    return notes.length === 0 ? undefined : notes.join('\n');
  },
  keepFiles: ({data}, folder) => {
    withData(settingsOf(data).data, ({tokenizer}) =>
      writeFileAtomic(join(folder, 'tokenizer.json'), `${JSON.stringify(tokenizer)}\n`),
    );
  },
  checkFiles: ({data}, folder) => withData(settingsOf(data).data, own => checkSameTokenizer(folder, own)),
  score: report => report.loss,
  curve: (title, lines) => ({
    title,
    xLabel: 'step',
    yLabel: 'loss, nats a token',
    series: [
      {
        name: 'training batches',
        points: lines.flatMap(({step, loss}) => (loss === undefined ? [] : [[step, loss] as const])),
      },
      {
        name: 'held out',
        points: lines.flatMap(({step, evaluated}) =>
          evaluated === undefined ? [] : [[step, evaluated.loss] as const],
        ),
      },
    ].filter(series => series.points.length > 0),
  }),
  headline: {
    name: 'validation loss',
    better: 'smaller',
    value: ({loss}) => loss,
    words: loss => loss.toFixed(4),
  },
  columns: ['perplexity', 'bits per byte', 'parameters', 'state bytes', 'tokens/s'],
  cells: ({runs}) => {
    const mean = (of: (run: ComparedRun) => number): number => spreadOf(runs.map(of)).mean;
    const [{result}] = runs;
    return [
      perplexityText(Math.exp(mean(run => run.result.report.loss))),
      mean(run => languageOf(run.result.report).bitsPerByte).toFixed(3),
      result.parameters,
      result.stateBytes,
      result.tokensPerSecond === undefined ? '-' : Math.round(result.tokensPerSecond),
    ];
  },
};
