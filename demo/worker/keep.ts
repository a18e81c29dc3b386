// A training of this browser becomes a model folder: kept beside the others, and given out as files for the command line.

import {SettingError} from '../../config/index.js';
import {LanguageModel, modelInDirectory, writeModel} from '../../models/index.js';
import {parseTrainSettings} from '../../train/index.js';
import {restoreArrays} from '../../train/snapshot.js';
import type {Call, Handler} from '../protocol.js';
import {BrowserRun} from '../storage/browser-runs.js';
import {modelDirectory} from '../storage/model-store.js';
import {ensureDevice} from './device.js';
import type {TrainConfig} from './recipes.js';
import {prepare} from './recipes.js';
import type {KeptEvent} from './train.js';

export interface KeptModel {
  /** Name under which every page opens it. */
  readonly name: string;
  readonly files: readonly File[];
}

/** `request.id`: a kept training; its last checkpoint is taken. */
export type KeepCall = Call<{readonly id: string}, never, KeptModel>;

const titles = {
  recall: 'recall of pairs, trained in a browser',
  text: 'characters, trained in a browser',
} as const;

export const keep: Handler<'keep'> = async ({id}) => {
  const {backend} = await ensureDevice();
  const run = await BrowserRun.open<TrainConfig, KeptEvent>(id);
  const [summary, snapshot] = [await run.summary(), await run.load()];
  if (summary === undefined || snapshot === undefined)
    throw new SettingError('there is no checkpoint of this training yet: let it make some steps');
  const {config} = summary;
  const settings = parseTrainSettings(config.train);
  const {vocabSize, tokenizer} = prepare(config, settings.seed);
  const model = LanguageModel.create({...config.model, vocabSize});
  try {
    await restoreArrays(model.parameters(), snapshot.weights);
    const directory = await modelDirectory(id);
    const task = config.recipe === 'recall' ? 'mqar-mixture' : 'lm';
    const {files} = await writeModel(modelInDirectory(directory), {
      model,
      tokenizer,
      title: titles[config.recipe],
      training: {task, step: snapshot.step, weights: 'last', backend, settings: {...settings}},
    });
    const names = [...files.map(({path}) => path), 'card.json'];
    const handles = await Promise.all(names.map(name => directory.getFileHandle(name)));
    return {name: id, files: await Promise.all(handles.map(handle => handle.getFile()))};
  } finally {
    model.model.dispose();
  }
};
