// Models of the Hub, in: a folder in the layout of the transformers library becomes a LanguageModel with its tokenizer.

import {refuse} from '../../custom-ops/check.js';
import {modelAtUrl} from '../model-folder/at-url.js';
import type {PlacedFile} from '../model-folder/in-files.js';
import {folderOfFiles} from '../model-folder/in-files.js';
import type {ModelSource, OpenOptions} from '../model-folder/source.js';
import {CONFIG} from './checkpoint.js';
import type {Pretrained} from './read.js';
import {readPretrained} from './read.js';

export {CheckpointImportError} from './import-error.js';
export {importMamba} from './import-mamba.js';
export type {Pretrained} from './read.js';

/** Where {@link fromPretrained} reads from: an address, files of a page, or any other source. */
export type PretrainedSource = string | URL | Iterable<File | PlacedFile> | ModelSource;

function sourceOf(from: PretrainedSource): ModelSource {
  if (typeof from === 'string' || from instanceof URL) return modelAtUrl(from);
  if (typeof from !== 'object' || from === null)
    refuse('fromPretrained', 'from', 'an address, files of a page or a source of files', from);
  return 'read' in from ? from : folderOfFiles(from, [CONFIG]);
}

/**
 * Opens a folder of the Hub in a layout that this package has: `fromPretrained(input.files)`, or
 * `fromPretrained('https://huggingface.co/OWNER/NAME/resolve/main')`. `bmojo/node` opens the path of a folder.
 *
 * Reads config.json, model.safetensors or the shards of model.safetensors.index.json (float32, float16, bfloat16, float64; one
 * tensor at a time), tokenizer.json, generation_config.json, and the template for conversations of tokenizer_config.json or
 * chat_template.jinja. The caller disposes `model.model`.
 * Errors: CheckpointImportError, by name, for what our layers do not have, and for tensors that are missing, misshapen or of
 * no use; TokenizerError; ModelFormatError of the source; the signal's reason.
 */
export function fromPretrained(from: PretrainedSource, options: OpenOptions = {}): Promise<Pretrained> {
  return readPretrained(sourceOf(from), options);
}
export type {PretrainedContents, WritePretrainedOptions, WrittenPretrained} from './write.js';
export {writePretrained} from './write.js';
