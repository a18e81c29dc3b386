// The one table of readers: whatever of this package reads a file or bytes of others is in it. A test greps for readers.

import {cpSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {conversationsOf} from '../../cli/chat.js';
import {givenPrompts} from '../../cli/prompts.js';
import {taskFamily} from '../../data/families.js';
import {documents} from '../../data/files/documents.js';
import {
  closeData,
  openData,
  prepareData,
  readManifest,
  readTokenizer,
  TokenFile,
} from '../../data/files/index.js';
import {readPassages} from '../../data/files/passages.js';
import {verifyFiles} from '../../eval/verify/verify.js';
import {CheckpointFolder} from '../../experiments/checkpoint-folder.js';
import {readRecords, writeRecord} from '../../experiments/evaluations.js';
import {readLossByLength, writeLossByLength} from '../../experiments/paper/loss-by-length.js';
import {readRecallByLength, writeRecallByLength} from '../../experiments/paper/recall-by-length.js';
import {readRunLines, runLines} from '../../experiments/paper/run-lines.js';
import {parseConfigText, parseRunConfig, parseStoredConfig} from '../../experiments/run-config.js';
import {RunFolder} from '../../experiments/run-folder.js';
import {openTrained} from '../../experiments/trained.js';
import {vectorFiles} from '../../experiments/vectors.js';
import {FolderLock} from '../../formats/folder-lock.js';
import {decodeSafetensors, encodeSafetensors} from '../../formats/safetensors.js';
import {SafetensorsReader} from '../../formats/safetensors-file.js';
import {exportMemory} from '../../memory/exchange/export.js';
import {exportedFormat, importMemory} from '../../memory/exchange/import.js';
import {memoryInProcess} from '../../memory/open.js';
import {openFolder} from '../../memory/segments/open.js';
import {parseMemoryRow} from '../../memory/sql/open.js';
import {parseRowIndex} from '../../memory/sql/row-index.js';
import {DecodingSession} from '../../models/decoding-session.js';
import {readChatTemplate} from '../../models/hugging-face/read.js';
import {importMamba, LanguageModel, memoryFormat} from '../../models/index.js';
import {fileSystem, fromPretrained, modelInFolder, openModel, writeModelFolder} from '../../models/node.js';
import {parameterShapes} from '../../models/parameters.js';
import {batchOf, contents, tinyFormat} from '../memory/rows.js';
import {languageContents} from '../support/model-folders.js';
import {HeldArray} from '../support/snapshots.js';
import {tinyBpe} from '../support/tiny-bpe.js';
import type {FileKind} from './mutate.js';
import {replaceFile} from './replace-file.js';

export interface Reader {
  readonly name: string;
  /** Source files whose reading this is about. */
  readonly covers: readonly string[];
  /** Files that are changed, below the folder that `make` filled. */
  readonly files: Readonly<Record<string, FileKind>>;
  /** Files whose content carries a digest: a changed one is refused, or means the same. */
  readonly sealed: readonly string[];
  make(folder: string): Promise<void> | void;
  /** Reads everything; what it returns is all that was read. Errors must be for users. */
  read(folder: string): unknown;
}

const numbers = (name: string, length: number): HeldArray =>
  new HeldArray(
    name,
    [length],
    Float32Array.from({length}, (_, i) => i / 7 - 1),
  );

const tensors = [
  {name: 'block_0/q', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6)},
  {name: 'ids', shape: [2], data: Int32Array.of(-7, 9)},
  {name: 'wide', shape: [1, 2], data: Float64Array.of(Math.PI, 1e300)},
];

const runFiles = ['config.json', 'result.json', 'generation.json'];
const runLogs = ['metrics.jsonl', 'sessions.jsonl'];
const jsonFiles = (names: readonly string[]): Record<string, FileKind> =>
  Object.fromEntries(names.map(name => [name, 'json'] as const));

const generation = {
  startTokens: [1],
  stopTokens: [2, 3],
  chatTemplate: {bos_token: '<s>', chat_template: '{{ bos_token }}{{ messages[0].content }}'},
};

const taskConfig = () =>
  parseRunConfig('mqar', {
    backend: 'cpu',
    data: {length: 16, pairs: 2, vocabSize: 16},
    model: {dModel: 8, layers: 1, heads: 1},
    train: {steps: 3, batch: 4},
  });

const plannedRun = () => ({name: 'a', panel: 'b', model: 'c', size: 'd', config: taskConfig()});

const mamba = {
  model_type: 'mamba',
  hidden_size: 8,
  intermediate_size: 16,
  vocab_size: 12,
  num_hidden_layers: 1,
  state_size: 4,
  conv_kernel: 4,
  time_step_rank: 1,
};

/** Weights of the Mamba above under the names of its layout. */
function mambaWeights(): Uint8Array {
  const layer = 'backbone.layers.0';
  const shapes: [string, number[]][] = [
    ['backbone.embeddings.weight', [12, 8]],
    ['backbone.norm_f.weight', [8]],
    [`${layer}.norm.weight`, [8]],
    [`${layer}.mixer.in_proj.weight`, [32, 8]],
    [`${layer}.mixer.conv1d.weight`, [16, 1, 4]],
    [`${layer}.mixer.conv1d.bias`, [16]],
    [`${layer}.mixer.x_proj.weight`, [9, 16]],
    [`${layer}.mixer.dt_proj.weight`, [16, 1]],
    [`${layer}.mixer.dt_proj.bias`, [16]],
    [`${layer}.mixer.A_log`, [16, 4]],
    [`${layer}.mixer.D`, [16]],
    [`${layer}.mixer.out_proj.weight`, [8, 16]],
  ];
  return encodeSafetensors(
    shapes.map(([name, shape]) => ({
      name,
      shape,
      data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.1),
    })),
  );
}

const golden = join(import.meta.dirname, '../../../test/golden/hf');

async function readPretrainedFolder(folder: string): Promise<object> {
  const {model, ...rest} = await fromPretrained(folder);
  model.model.dispose();
  return rest;
}

const SMALL = {vocabSize: 12, dModel: 8, layers: 1, heads: 1, window: 4} as const;
let model: LanguageModel | undefined;
const decodingModel = (): LanguageModel => {
  model ??= LanguageModel.create({...SMALL, eideticSlots: 2});
  return model;
};

let storing: LanguageModel | undefined;
/** A session whose memory beyond the window lies in a store. */
function storingSession(): DecodingSession {
  storing ??= LanguageModel.create({...SMALL, eideticSlots: 0, storage: 3});
  const weights = 'abc';
  return new DecodingSession(storing, {
    weights,
    memory: {store: memoryInProcess(memoryFormat(storing, {weights}))},
  });
}

/** A sequence of numbers that a source reads of a file. */
async function readAll(checkpoint: ReturnType<CheckpointFolder['open']>): Promise<unknown> {
  try {
    const {step, cursor, digest, weights, optimizer, memory} = checkpoint;
    const arrays = [...weights, ...optimizer, ...(memory?.arrays ?? [])];
    const read = await Promise.all(
      arrays.map(async one => [one.name, one.shape, Array.from(await one.read())]),
    );
    return {step, cursor, digest, read, memory: memory && [memory.position, memory.parts, memory.layers]};
  } finally {
    checkpoint.close();
  }
}

export const readers: readonly Reader[] = [
  {
    name: 'safetensors',
    covers: ['formats/safetensors.ts', 'formats/safetensors-header.ts', 'formats/json-text.ts'],
    files: {'a.safetensors': 'safetensors'},
    sealed: [],
    make: folder =>
      writeFileSync(join(folder, 'a.safetensors'), encodeSafetensors(tensors, {attrs: '{"a":1}'})),
    read: folder => decodeSafetensors(readFileSync(join(folder, 'a.safetensors'))).tensors.length,
  },
  {
    name: 'safetensors by range',
    covers: ['formats/safetensors-file.ts'],
    files: {'a.safetensors': 'safetensors'},
    sealed: [],
    make: folder => writeFileSync(join(folder, 'a.safetensors'), encodeSafetensors(tensors.slice(0, 1))),
    read: folder => {
      const reader = SafetensorsReader.open(join(folder, 'a.safetensors'));
      try {
        return [reader.digest(), reader.sources().map(source => source.read())];
      } finally {
        reader.close();
      }
    },
  },
  {
    name: 'generation state',
    covers: ['formats/sealed-safetensors.ts', 'models/decoding-state.ts', 'models/state.ts'],
    files: {state: 'safetensors'},
    sealed: ['state'],
    make: async folder => {
      const session = new DecodingSession(decodingModel());
      await session.read([1, 2, 3, 4, 5, 6, 7]);
      writeFileSync(join(folder, 'state'), await session.save());
      session.dispose();
    },
    read: async folder => {
      const session = new DecodingSession(decodingModel());
      try {
        session.restore(readFileSync(join(folder, 'state')));
        return Array.from(await session.save());
      } finally {
        session.dispose();
      }
    },
  },
  {
    name: 'generation state beside a store of memory',
    covers: ['models/session-memory.ts'],
    files: {state: 'safetensors'},
    sealed: ['state'],
    make: async folder => {
      const session = storingSession();
      await session.read([1, 2, 3, 4, 5, 6, 7]);
      writeFileSync(join(folder, 'state'), await session.save());
      session.dispose();
    },
    read: async folder => {
      const session = storingSession();
      try {
        session.restore(readFileSync(join(folder, 'state')));
        return Array.from(await session.save());
      } finally {
        session.dispose();
      }
    },
  },
  {
    name: 'checkpoint',
    covers: [
      'experiments/checkpoint-folder.ts',
      'experiments/checkpoint-state.ts',
      'experiments/open-checkpoint.ts',
      'formats/json-file.ts',
    ],
    files: {
      'latest.json': 'json',
      'step-00000003/state.json': 'json',
      'step-00000003/weights.safetensors': 'safetensors',
      'step-00000003/memory.safetensors': 'safetensors',
    },
    sealed: [
      'latest.json',
      'step-00000003/state.json',
      'step-00000003/weights.safetensors',
      'step-00000003/memory.safetensors',
    ],
    make: async folder => {
      await new CheckpointFolder(folder).save({
        step: 3,
        cursor: 12,
        weights: [numbers('a', 5), numbers('b', 2)],
        optimizer: [numbers('first_moment/a', 5)],
        memory: {position: 4, parts: 1, layers: 1, arrays: [numbers('0/0/x', 3)]},
      });
    },
    read: folder => readAll(new CheckpointFolder(folder).open()),
  },
  {
    name: 'run folder',
    covers: [
      'experiments/run-folder.ts',
      'experiments/metrics-log.ts',
      'experiments/sessions.ts',
      'experiments/run-config.ts',
    ],
    files: {...jsonFiles(runFiles), 'metrics.jsonl': 'jsonl', 'sessions.jsonl': 'jsonl'},
    sealed: [...runFiles, 'metrics.jsonl'],
    make: async folder => {
      const path = join(folder, 'run');
      const run = RunFolder.create(path, taskConfig(), {generation});
      run.rewindMetrics(0);
      run.begin(0);
      const report = {loss: 2.5, accuracy: 0.25, byDistance: []};
      for (const step of [1, 2, 3])
        run.record({type: 'step', step, loss: 3 / step, accuracy: 0.1, rate: 0.01, gradientNorm: 1});
      run.record({type: 'evaluated', step: 3, report: report as never});
      await run.checkpoints.save({
        step: 3,
        cursor: 12,
        weights: [numbers('a', 2)],
        optimizer: [numbers('m', 2)],
      });
      run.writeResult({step: 3, parameters: 4, stateBytes: 5, report: report as never});
      run.release();
      for (const name of [...runFiles, ...runLogs])
        writeFileSync(join(folder, name), readFileSync(join(path, name)));
    },
    read: folder => {
      const path = join(folder, 'run');
      for (const name of [...runFiles, ...runLogs])
        replaceFile(join(path, name), readFileSync(join(folder, name)));
      const run = RunFolder.open(path);
      return [
        run.config,
        run.readResult(),
        run.evaluations(),
        run.curve(),
        run.readGeneration(),
        run.sessions(),
      ];
    },
  },
  {
    name: 'evaluations',
    covers: ['experiments/evaluations.ts', 'eval/report/parse-record.ts'],
    files: {'evaluations/a.json': 'json'},
    sealed: ['evaluations/a.json'],
    make: folder => {
      writeRecord(folder, {
        name: 'a',
        title: 't',
        definition: 'd',
        source: 's',
        command: 'c',
        step: 3,
        table: [
          ['x', 'y'],
          [1, '2 %'],
        ],
        plot: {title: 't', xLabel: 'x', yLabel: 'y', yRange: [0, 1], series: [{name: 's', points: [[1, 2]]}]},
        memory: {
          title: 'm',
          length: 2,
          names: ['a', 'b', 'c'],
          panels: [{title: 'p', innovation: [1, 2], stored: [{position: 0, from: 1, until: 2}]}],
        },
        data: {a: 1},
      });
    },
    read: folder => readRecords(folder),
  },
  {
    name: 'loss by length',
    covers: ['experiments/paper/loss-by-length.ts', 'experiments/paper/measurement-file.ts'],
    files: {'lengths.json': 'json'},
    sealed: ['lengths.json'],
    make: folder =>
      writeLossByLength(join(folder, 'lengths.json'), {
        windows: 2,
        reference: 4,
        points: [
          {prefix: 4, loss: 1.5, change: {mean: 0, error: 0}},
          {prefix: 8, loss: 1.25, change: {mean: -0.25}},
        ],
      }),
    read: folder => readLossByLength(join(folder, 'lengths.json')),
  },
  {
    name: 'recall by length',
    covers: ['experiments/paper/recall-by-length.ts', 'experiments/paper/measurement-file.ts'],
    files: {'recall.json': 'json'},
    sealed: ['recall.json'],
    make: folder =>
      writeRecallByLength(join(folder, 'recall.json'), {
        points: [
          {part: '64x8', length: 64, questions: 80, accuracy: 0.5},
          {part: '64x8', length: 64, questions: 80, accuracy: 0.25, kept: 'latest'},
        ],
      }),
    read: folder => readRecallByLength(join(folder, 'recall.json')),
  },
  {
    name: 'finished runs as lines',
    covers: ['experiments/paper/run-lines.ts'],
    files: {'runs.jsonl': 'jsonl'},
    sealed: [],
    make: folder => {
      const origin = {machine: 'a machine', date: '2026-01-01', software: 'bmojo 0'};
      const report = {loss: 2.5, accuracy: 0.25, byDistance: []};
      const result = {step: 3, parameters: 4, stateBytes: 5, seconds: 1, report: report as never};
      writeFileSync(join(folder, 'runs.jsonl'), runLines([{...plannedRun(), origin, result}]));
    },
    read: folder => readRunLines(join(folder, 'runs.jsonl'), [plannedRun()]),
  },
  {
    name: 'prepared data',
    covers: ['data/files/data-folder.ts', 'data/files/token-file.ts', 'data/files/token-format.ts'],
    files: {
      'data/data.json': 'json',
      'data/tokenizer.json': 'json',
      'data/train.tokens': 'binary',
      'data/valid.tokens': 'binary',
    },
    sealed: ['data/data.json', 'data/tokenizer.json', 'data/train.tokens', 'data/valid.tokens'],
    make: async folder => {
      writeFileSync(join(folder, 'text.txt'), 'some text of a few words\n'.repeat(40));
      await prepareData({files: [join(folder, 'text.txt')], tokenizer: 'char', out: join(folder, 'data')});
    },
    read: folder => {
      const data = openData(join(folder, 'data'));
      try {
        const {summary, tokenizer, train, valid} = data;
        const tokens = [train, valid].map(one => [one.borders, one.read(0, one.count)]);
        return [summary, tokenizer.vocabSize, tokenizer.decode(tokens[1][1] as Int32Array), tokens];
      } finally {
        closeData(data);
      }
    },
  },
  {
    name: 'token file of version 1',
    covers: [],
    files: {'valid.tokens': 'binary'},
    sealed: ['valid.tokens'],
    make: folder => {
      const old = join(import.meta.dirname, '../../../test/fixtures/v0.1.0/tokens/valid.tokens');
      writeFileSync(join(folder, 'valid.tokens'), readFileSync(old));
    },
    read: folder => {
      const file = TokenFile.open(join(folder, 'valid.tokens'));
      try {
        return [file.borders, file.read(0, file.count)];
      } finally {
        file.close();
      }
    },
  },
  {
    name: 'tokenizer.json',
    covers: ['data/tokenizers/hugging-face/reference-thread.ts', 'data/tokenizers/hugging-face/browser.ts'],
    files: {'char.json': 'json'},
    sealed: [],
    make: folder =>
      writeFileSync(
        join(folder, 'char.json'),
        readFileSync(join(import.meta.dirname, '../../../test/fixtures/v0.1.0/tokens/tokenizer.json')),
      ),
    read: folder => readTokenizer(join(folder, 'char.json')).vocabSize,
  },
  {
    name: 'corpus',
    covers: ['data/files/documents.ts', 'data/files/regular-files.ts', 'data/files/file-checksum.ts'],
    files: {'a.jsonl': 'jsonl', 'b.txt': 'text'},
    sealed: [],
    make: folder => {
      writeFileSync(join(folder, 'a.jsonl'), '{"text":"one"}\n{"text":"two \\u00e9"}\n');
      writeFileSync(join(folder, 'b.txt'), 'words of \u00e9t\u00e9\nand more\n');
    },
    read: folder => ['a.jsonl', 'b.txt'].map(name => [...documents(join(folder, name), () => 0)]),
  },
  {
    name: 'manifest',
    covers: ['data/files/corpora.ts'],
    files: {'manifest.json': 'json'},
    sealed: [],
    make: folder => {
      const file = {name: 'a.txt', address: 'https://example.org/a', bytes: 7, sha256: 'a'.repeat(64)};
      writeFileSync(
        join(folder, 'manifest.json'),
        JSON.stringify([{name: 'x', summary: 's', licence: 'none', files: [file]}]),
      );
    },
    read: folder => readManifest(join(folder, 'manifest.json')),
  },
  {
    name: 'passages',
    covers: ['data/files/passages.ts'],
    files: {'a.jsonl': 'jsonl'},
    sealed: [],
    make: folder =>
      writeFileSync(join(folder, 'a.jsonl'), '{"text":"one two"}\n{"text":"three four five"}\n'),
    read: folder => readPassages(join(folder, 'a.jsonl')),
  },
  {
    name: 'config file',
    covers: ['cli/train.ts', 'cli/option-file.ts'],
    files: {'config.json': 'json'},
    sealed: [],
    make: folder => writeFileSync(join(folder, 'config.json'), JSON.stringify(taskConfig())),
    read: folder => {
      const {task = 'mqar', ...given} = parseConfigText(
        'config.json',
        new TextDecoder().decode(readFileSync(join(folder, 'config.json'))),
      );
      const config = parseStoredConfig(task, given);
      taskFamily(task === 'lm' ? 'mqar' : task);
      return [config, parameterShapes(config.model).length];
    },
  },
  {
    name: 'prompts',
    covers: ['cli/prompts.ts'],
    files: {'prompts.txt': 'text', 'prompts.jsonl': 'jsonl'},
    sealed: [],
    make: folder => {
      writeFileSync(join(folder, 'prompts.txt'), 'Once upon a time\nTo be\n');
      writeFileSync(join(folder, 'prompts.jsonl'), '"one"\n{"prompt":"two"}\n');
    },
    read: folder => ['prompts.txt', 'prompts.jsonl'].map(name => givenPrompts({prompts: join(folder, name)})),
  },
  {
    name: 'conversation and its template',
    covers: ['cli/chat.ts', 'data/tokenizers/chat-template.ts', 'data/tokenizers/template-budget.ts'],
    files: {'messages.json': 'json', 'tokenizer_config.json': 'json', 'chat_template.jinja': 'text'},
    sealed: [],
    make: folder => {
      writeFileSync(join(folder, 'messages.json'), '[{"role":"user","content":"Hello"}]');
      writeFileSync(
        join(folder, 'tokenizer_config.json'),
        JSON.stringify({bos_token: '<s>', eos_token: {content: '</s>'}, chat_template: 'none'}),
      );
      const template =
        "{% for message in messages %}{{ bos_token + message['role'] | trim }}{{ message.content }}{% endfor %}";
      writeFileSync(join(folder, 'chat_template.jinja'), template);
    },
    read: async folder => {
      const chatTemplate = await readChatTemplate(modelInFolder(folder));
      return conversationsOf({chat: true, messages: join(folder, 'messages.json')}, [], {
        path: folder,
        chatTemplate,
      });
    },
  },
  {
    name: 'test vectors',
    covers: ['eval/verify/vector-file.ts', 'eval/verify/verify.ts', 'experiments/vectors.ts'],
    files: {'innovation-0.safetensors': 'safetensors'},
    sealed: [],
    make: folder =>
      writeFileSync(
        join(folder, 'innovation-0.safetensors'),
        readFileSync(join(import.meta.dirname, '../../../test/golden/innovation-0.safetensors')),
      ),
    read: async folder => {
      const rows = [];
      for await (const row of verifyFiles(vectorFiles(folder))) rows.push(row);
      return rows;
    },
  },
  {
    name: 'Hugging Face Mamba',
    covers: ['models/hugging-face/import-mamba.ts'],
    files: {'config.json': 'json', 'model.safetensors': 'safetensors'},
    sealed: [],
    make: folder => {
      writeFileSync(join(folder, 'config.json'), JSON.stringify(mamba));
      writeFileSync(join(folder, 'model.safetensors'), mambaWeights());
    },
    read: folder => {
      let config: object;
      try {
        config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
      } catch {
        return 'no JSON'; // the caller's own to read
      }
      importMamba(config, readFileSync(join(folder, 'model.safetensors'))).dispose();
      return 'read';
    },
  },
  {
    name: 'Hugging Face folder of shards',
    covers: ['models/hugging-face/checkpoint-config.ts'],
    files: {
      'config.json': 'json',
      'generation_config.json': 'json',
      'model.safetensors.index.json': 'json',
      'model-00001-of-00003.safetensors': 'safetensors',
    },
    sealed: [],
    make: folder => {
      cpSync(join(golden, 'mamba-variants/sharded'), folder, {recursive: true});
      cpSync(join(golden, 'llama/generation_config.json'), join(folder, 'generation_config.json'));
    },
    read: readPretrainedFolder,
  },
  {
    name: 'Hugging Face folder on the command line',
    covers: ['experiments/pretrained.ts'],
    files: {'config.json': 'json', 'generation_config.json': 'json'},
    sealed: [],
    make: folder => cpSync(join(golden, 'granite-hybrid'), folder, {recursive: true}),
    read: async folder => (await openTrained(folder)).config,
  },
  {
    name: 'Hugging Face folder',
    covers: ['models/hugging-face/checkpoint-config.ts'],
    files: {'config.json': 'json', 'model.safetensors': 'safetensors'},
    sealed: [],
    make: folder => cpSync(join(golden, 'lfm2'), folder, {recursive: true}),
    read: readPretrainedFolder,
  },
  {
    name: 'model folder',
    covers: [
      'models/model-folder/parse-card.ts',
      'models/model-folder/read.ts',
      'models/model-folder/source.ts',
      'models/model-folder/topology.ts',
      'models/model-format.ts',
      'models/file-system.ts',
      'models/folder-on-disk.ts',
    ],
    files: {'model/model.json': 'json', 'model/card.json': 'json', 'model/tokenizer.json': 'json'},
    sealed: ['model/model.json', 'model/tokenizer.json'],
    make: async folder => {
      const contents = languageContents();
      await writeModelFolder(join(folder, 'model'), {...contents, generation});
      contents.model.model.dispose();
    },
    read: async folder => {
      const {model: opened, chatTemplate} = await openModel(modelInFolder(join(folder, 'model')));
      try {
        const weights = opened.model.getWeights().map(weight => Array.from(weight.dataSync()));
        return [opened.config, weights, chatTemplate?.apply([{role: 'user', content: 'Hello'}])];
      } finally {
        opened.model.dispose();
      }
    },
  },
  {
    name: 'tf model folder',
    covers: [],
    files: {'model.json': 'json'},
    sealed: [],
    make: async folder => {
      const small = decodingModel();
      await small.model.save(fileSystem(folder));
    },
    read: async folder => (await fileSystem(folder).load?.())?.weightSpecs?.length,
  },
  {
    name: 'memory folder',
    covers: [
      'memory/check.ts',
      'memory/segments/manifest.ts',
      'memory/segments/record.ts',
      'memory/segments/segment-file.ts',
      'memory/segments/open.ts',
    ],
    files: {'memory.json': 'json', 'rows-00000001.segment': 'binary', 'rows-00000002.segment': 'binary'},
    sealed: ['memory.json', 'rows-00000001.segment', 'rows-00000002.segment'],
    make: async folder => {
      const store = await openFolder(folder, tinyFormat, {quota: 10, segmentBytes: 500});
      for (const from of [0, 6]) await store.append(batchOf(tinyFormat, {from, n: 6}));
      await store.close();
    },
    read: async folder => {
      const store = await openFolder(folder, undefined);
      try {
        return [store.format, await contents(store)];
      } finally {
        await store.close();
      }
    },
  },
  {
    name: 'exported memory',
    covers: ['memory/exchange/index-file.ts', 'memory/exchange/import.ts'],
    files: {'index.json': 'json', 'rows-000001.safetensors': 'safetensors'},
    sealed: ['index.json', 'rows-000001.safetensors'],
    make: async folder => {
      const store = memoryInProcess(tinyFormat);
      await store.append(batchOf(tinyFormat, {n: 5}));
      await exportMemory(store, folder, {streams: 'all'});
    },
    read: async folder => {
      const store = memoryInProcess(exportedFormat(folder));
      await importMemory(folder, store);
      return [store.format, await contents(store)];
    },
  },
  {
    name: 'memory of a database',
    covers: ['memory/sql/open.ts'],
    files: {'format.json': 'json'},
    sealed: [],
    make: folder => writeFileSync(join(folder, 'format.json'), JSON.stringify(tinyFormat)),
    read: folder =>
      parseMemoryRow('the database', {
        version: 1,
        vectors: 'arrays',
        format: new TextDecoder().decode(readFileSync(join(folder, 'format.json'))),
      }),
  },
  {
    name: 'index of a memory of a database',
    covers: ['memory/sql/row-index.ts'],
    files: {'index.json': 'json'},
    sealed: [],
    make: folder =>
      writeFileSync(join(folder, 'index.json'), JSON.stringify({squares: [2.5, 1e-3], rows: 10_000})),
    read: folder => parseRowIndex(new TextDecoder().decode(readFileSync(join(folder, 'index.json')))),
  },
  {
    name: 'lock',
    covers: ['formats/folder-lock.ts', 'formats/lock-owner.ts'],
    files: {'lock.json': 'json'},
    sealed: [],
    make: folder =>
      writeFileSync(join(folder, 'lock.json'), '{"host":"else","pid":7,"began":"1","token":"a"}\n'),
    read: folder => FolderLock.take(folder).release(),
  },
  {
    name: 'byte-level BPE',
    covers: [],
    files: {'bpe.json': 'json'},
    sealed: [],
    make: folder => writeFileSync(join(folder, 'bpe.json'), JSON.stringify(tinyBpe())),
    read: folder => readTokenizer(join(folder, 'bpe.json')).vocabSize,
  },
];

/** Files of the source that name a function of reading and read nothing of others', with the reason. */
export const noReaders: Readonly<Record<string, string>> = {
  'formats/atomic-file.ts': 'writes',
  'data/files/download.ts': 'writes what a server sends; its own test has the servers',
  'data/files/train-tokenizer.ts': 'reads what the library beneath has just written',
  'experiments/documents.ts': "the project's own documents",
  'experiments/kept-results.ts': "the project's own kept results",
  'custom-ops/backends/tensorflow/index.ts': "the addon's own table",
};

/** A folder for a reader, filled. */
export async function makeFixture(reader: Reader, folder: string): Promise<Map<string, Uint8Array>> {
  mkdirSync(folder, {recursive: true});
  await reader.make(folder);
  return new Map(
    Object.keys(reader.files).map(name => [name, new Uint8Array(readFileSync(join(folder, name)))]),
  );
}
