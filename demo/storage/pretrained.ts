// Models of Hugging Face, which become model folders of ours when they are brought.

import type {PlacedFile} from '../../models/index.js';
import {fromPretrained, modelInDirectory, writeModel} from '../../models/index.js';
import type {TransferOptions} from './model-store.js';
import {freeName, modelDirectory} from './model-store.js';

/**
 * Keeps a folder in the layout of Hugging Face as a model folder of ours; returns its name there. Errors: those of
 * `fromPretrained` and `writeModel`.
 */
export async function keepPretrained(
  files: readonly PlacedFile[],
  name: string,
  options: TransferOptions,
): Promise<string> {
  const {model, tokenizer, config, stopTokens, startTokens, chatTemplate} = await fromPretrained(
    files,
    options,
  );
  const free = await freeName(name);
  try {
    const title = `${name} of Hugging Face, ${String(config.model_type ?? 'mamba')}`;
    await writeModel(modelInDirectory(await modelDirectory(free)), {
      model,
      title,
      generation: {stopTokens, startTokens, chatTemplate: chatTemplate?.toJSON()},
      ...(tokenizer === undefined ? {} : {tokenizer}),
    });
  } finally {
    model.model.dispose();
  }
  return free;
}
