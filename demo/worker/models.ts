// Models that can be opened: listed, brought in from files, deleted.

import {weightBytesOf} from '../../models/held-weights.js';
import type {ModelCard, ModelProgress} from '../../models/index.js';
import {modelInFiles} from '../../models/index.js';
import type {Call, Handler} from '../protocol.js';
import type {ChosenModel} from '../storage/chosen-model.js';
import type {ListedModel, TransferOptions} from '../storage/model-store.js';
import {deleteModel, keepModel, listModels} from '../storage/model-store.js';
import {droppedName} from '../storage/names.js';
import {ensureDevice} from './device.js';
import {opened} from './opened.js';

export type {ListedModel} from '../storage/model-store.js';

/** Files with the paths that they were dropped under. */
export interface BroughtFile {
  readonly path: string;
  readonly file: File;
}

/** Deletes the model named, if any, then lists what there is. */
export type ModelsCall = Call<{readonly remove?: string}, never, readonly ListedModel[]>;

export const models: Handler<'models'> = async ({remove}) => {
  if (remove !== undefined) await deleteModel(remove);
  return listModels();
};

/** What is told of an opened model. */
export interface ModelFacts {
  readonly name: string;
  readonly card?: ModelCard;
  readonly dtype: ChosenModel['dtype'];
  readonly parameters: number;
  /** Bytes of its weights in memory. */
  readonly weightBytes: number;
  /** Bytes of memory of one sequence after as many tokens. */
  readonly stateBytes: readonly {readonly tokens: number; readonly bytes: number}[];
  readonly writesText: boolean;
}

/** Keeps the files of a model folder and opens it, its matrices held as `dtype` says. */
export type BringCall = Call<
  {readonly files: readonly BroughtFile[]; readonly dtype: ChosenModel['dtype']},
  ModelProgress,
  ModelFacts
>;

const CONFIG = /(^|\/)config\.json$/;
const OURS = /(^|\/)(card|model)\.json$/;

/** Keeps a model folder, or one in the layout of Hugging Face; returns its name here. */
async function keep(files: readonly BroughtFile[], options: TransferOptions): Promise<string> {
  const paths = files.map(({path}) => path);
  const config = paths.find(path => CONFIG.test(path));
  if (config !== undefined && !paths.some(path => OURS.test(path))) {
    await ensureDevice();
    const {keepPretrained} = await import('../storage/pretrained.js');
    return keepPretrained(files, droppedName(config.replace(CONFIG, '')), options);
  }
  const source = modelInFiles(files);
  return keepModel(source, droppedName(source.name), options);
}

export const bring: Handler<'bring'> = async ({files, dtype}, {tell, signal}) => {
  const name = await keep(files, {onProgress: tell, signal});
  const {model, tokenizer, card} = await opened({model: name, dtype}, {onProgress: tell, signal});
  return {
    name,
    card,
    dtype,
    parameters: model.parameterCount(),
    weightBytes: weightBytesOf(model.model),
    stateBytes: [64, 512, 4096, 65536].map(tokens => ({tokens, bytes: model.stateBytes(tokens)})),
    writesText: tokenizer !== undefined,
  };
};
