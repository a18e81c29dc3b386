// The event files of a run, read back by TensorBoard itself.

import {spawnSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {runTraining} from '../../experiments/run.js';
import {parseRunConfig} from '../../experiments/run-config.js';
import {RunFolder} from '../../experiments/run-folder.js';

/** Prints {tag: [[step, value], ...]} of a run's folder. */
const READER = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0})
events.Reload()
tags = events.Tags()['scalars']
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
found = {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags}
tensors = events.Tags()['tensors']
content = events.SummaryMetadata('_hparams_/session_start_info').plugin_data.content
hparams = HParamsPluginData.FromString(content).session_start_info.hparams
found['hparams'] = {name: value.string_value or value.number_value for name, value in hparams.items()}
found['texts'] = {tag: [e.tensor_proto.string_val[0].decode() for e in events.Tensors(tag)] for tag in tensors if tag == 'valid/text'}
print(json.dumps(found))
`;
interface Found {
  readonly hparams: Readonly<Record<string, string | number>>;
  readonly texts: Readonly<Record<string, readonly string[]>>;
  readonly [tag: string]: unknown;
}

const python = process.env.BMOJO_PYTHON ?? 'python3';

describe('TensorBoard', () => {
  it('reads the curves of a run that was interrupted and resumed', async function () {
    const known = spawnSync(python, ['-c', 'import tensorboard']);
    if (known.status !== 0) {
      console.warn(
        `NOT CHECKED: ${python} cannot import tensorboard; pip install tensorboard, or name a python with BMOJO_PYTHON`,
      );
      this.skip();
    }
    const out = mkdtempSync(join(tmpdir(), 'bmojo-tensorboard-'));
    const data = {length: 16, pairs: 2, vocabSize: 16};
    const model = {window: 4, dModel: 8, heads: 1, eideticSlots: 4, stateSize: 4};
    const train = {steps: 12, batch: 4, evalSamples: 4, evalEvery: 4, checkpointEvery: 3, logEvery: 1};
    const folder = RunFolder.create(join(out, 'run'), parseRunConfig('mqar', {data, model, train}));
    await useBackend('wasm');
    for await (const event of runTraining(folder, {resume: false})) {
      // Left behind step 8 without a checkpoint: the run goes on from step 6, and 7 and 8 come again.
      if (event.type === 'step' && event.step === 8) break;
    }
    for await (const _ of runTraining(RunFolder.open(folder.path), {resume: true}));
    const read = spawnSync(python, ['-c', READER, folder.path], {encoding: 'utf8'});
    expect(read.status, read.stderr).to.equal(0);
    const {hparams, texts, ...curves}: Found = JSON.parse(read.stdout.trim().split('\n').at(-1) ?? '');
    expect(hparams).to.include({task: 'mqar', model: 'bmojo', window: 4, 'd-model': 8, rate: 0.002, seed: 1});
    expect(texts, 'only language models write').to.deep.equal({});
    const lines = readFileSync(join(folder.path, 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    const steps = lines.filter(line => line.loss !== undefined);
    const evaluations = lines.filter(line => line.evaluated !== undefined);
    expect(curves['train/loss']).to.deep.equal(steps.map(({step, loss}) => [step, Math.fround(loss)]));
    expect(curves['train/rate']).to.deep.equal(steps.map(({step, rate}) => [step, Math.fround(rate)]));
    expect(curves['valid/accuracy']).to.deep.equal(
      evaluations.map(({step, evaluated}) => [step, Math.fround(evaluated.accuracy)]),
    );
    expect(steps.map(({step}) => step)).to.deep.equal(Array.from({length: 12}, (_, i) => i + 1));
    rmSync(out, {recursive: true});
  });
});
