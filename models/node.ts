// bmojo/node: models on disk.

import {modelInFolder} from './folder-on-disk.js';
import type {OpenedModel} from './model-folder/open.js';
import {openModel as openSource} from './model-folder/open.js';
import type {ModelSource, TransferOptions} from './model-folder/source.js';

export {fileSystem} from './file-system.js';
export {modelInFolder, modelStoreAt, writeModelFolder} from './folder-on-disk.js';

/**
 * As `openModel` of `bmojo`, where text is the path of a folder unless it is an address: `openModel('runs/shakespeare/model')`.
 */
export function openModel(
  source: ModelSource | string | URL,
  options: TransferOptions = {},
): Promise<OpenedModel> {
  const isPath = typeof source === 'string' && !/^https?:/.test(source);
  return openSource(isPath ? modelInFolder(source) : source, options);
}
