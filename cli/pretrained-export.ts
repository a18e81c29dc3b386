// `bmojo model export --format huggingface`: the model of a run in a layout that other libraries load.

import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {SettingError} from '../config/schema.js';
import {useBackend} from '../custom-ops/index.js';
import {withoutPlaces} from '../eval/report/places.js';
import type {WeightsName} from '../experiments/run-models.js';
import {modelFolderNames} from '../experiments/run-models.js';
import type {Trained} from '../experiments/trained.js';
import type {WeightDType} from '../formats/weight-dtype.js';
import {modelInFolder, writePretrainedFolder} from '../models/folder-on-disk.js';
import type {WrittenPretrained} from '../models/hugging-face/index.js';
import {LanguageModel} from '../models/language-model.js';
import {readCard} from '../models/model-folder/index.js';
import {trainedContext} from './language-run.js';

/** What the card says of the training. */
async function cardOf({path, run}: Trained, weights: WeightsName, step: number): Promise<string> {
  const card = await readCard(
    modelInFolder(run === undefined ? path : join(path, modelFolderNames[weights])),
  );
  const about = {
    step,
    ...(card?.command === undefined ? {} : {command: withoutPlaces(card.command)}),
    ...(card?.training === undefined ? {} : {training: card.training}),
    ...(card?.data === undefined ? {} : {data: card.data}),
  };
  return `## Training\n\n\`\`\`json\n${JSON.stringify(about, null, 2)}\n\`\`\`\n`;
}

/** Writes the folder. Errors: SettingError for an auto-encoder; as of `writePretrained`. */
export async function exportPretrained(
  trained: Trained,
  weights: WeightsName,
  out: string,
  dtype: WeightDType | undefined,
): Promise<WrittenPretrained> {
  await useBackend('cpu');
  const {model, step} = await trained.load(weights, 'cpu');
  try {
    if (!(model instanceof LanguageModel))
      throw new SettingError(
        `--format huggingface: ${trained.path} must hold a language model, got an auto-encoder`,
      );
    const hasTokenizer = existsSync(join(trained.tokenizerFolder, 'tokenizer.json'));
    const contents = {
      model,
      ...(hasTokenizer ? {tokenizer: trained.tokenizer()} : {}),
      chatTemplate: trained.chatTemplate,
      stopTokens: trained.stopTokens,
      startTokens: trained.startTokens ?? [],
      context: trainedContext(trained),
      card: await cardOf(trained, weights, step),
    };
    return await writePretrainedFolder(out, contents, {dtype});
  } finally {
    model.model.dispose();
  }
}
