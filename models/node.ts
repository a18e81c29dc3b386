// bmojo/node: models on disk.

import {modelInFolder} from './folder-on-disk.js';
import type {PretrainedSource} from './hugging-face/index.js';
import {fromPretrained as fromSource} from './hugging-face/index.js';
import type {Pretrained} from './hugging-face/read.js';
import type {OpenedModel} from './model-folder/open.js';
import {openModel as openSource} from './model-folder/open.js';
import type {ModelSource, OpenOptions} from './model-folder/source.js';

export {fileSystem} from './file-system.js';
export {modelInFolder, modelStoreAt, writeModelFolder, writePretrainedFolder} from './folder-on-disk.js';
export type {Pretrained} from './hugging-face/read.js';

/**
 * As `openModel` of `bmojo`, where text is the path of a folder unless it is an address: `openModel('runs/shakespeare/model')`.
 */
export function openModel(
  source: ModelSource | string | URL,
  options: OpenOptions = {},
): Promise<OpenedModel> {
  return openSource(isPath(source) ? modelInFolder(source) : source, options);
}

/**
 * As `fromPretrained` of `bmojo`, where text is the path of a folder unless it is an address:
 * `fromPretrained('models/SmolLM-135M')`.
 */
export function fromPretrained(from: PretrainedSource, options: OpenOptions = {}): Promise<Pretrained> {
  return fromSource(isPath(from) ? modelInFolder(from) : from, options);
}

function isPath(source: unknown): source is string {
  return typeof source === 'string' && !/^https?:/.test(source);
}
