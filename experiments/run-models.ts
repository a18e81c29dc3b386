// The model folders of a run: RUN/model with its last weights, RUN/model-best with those of its best evaluation. They are
// written when the run ends, however it ends; while it goes, its checkpoints are what counts.

import {existsSync} from 'node:fs';
import {basename, join} from 'node:path';
import {readTokenizer} from '../data/files/index.js';
import {withoutPlaces} from '../eval/report/places.js';
import type {SequenceModel} from '../models/create.js';
import {writeModelFolder} from '../models/folder-on-disk.js';
import type {
  CardData,
  CardEvaluation,
  FolderDType,
  ModelCard,
  PlainSettings,
} from '../models/model-folder/index.js';
import {restoreArrays} from '../train/snapshot.js';
import type {CheckpointFolder} from './checkpoint-folder.js';
import {workloadFamily} from './families/index.js';
import type {RunConfig} from './run-config.js';
import type {RunFolder} from './run-folder.js';

/** Which weights of a run: those of its last update, or of its best evaluation. */
export type WeightsName = 'last' | 'best';

/** Where in a run's folder the model of these weights lies. */
export const modelFolderNames: Readonly<Record<WeightsName, string>> = {last: 'model', best: 'model-best'};

/** Options of {@link writeRunModel}: `weights` and `step` must be given. */
export interface RunModelOptions {
  /** Which weights the model holds: those that scored best, or the last. */
  readonly weights: WeightsName;
  /** Updates behind the weights that the model holds. */
  readonly step: number;
  /** The command that trained them. */
  readonly command?: string;
  /** Folder to write. Default: inside the run, by the weights' name. */
  readonly out?: string;
  /** How weights are stored. Default float32. */
  readonly dtype?: FolderDType;
}

/** Writes a model folder of a run's model, which holds the weights that `options` names. Errors: as of `writeModelFolder`. */
export async function writeRunModel(
  folder: RunFolder,
  model: SequenceModel,
  {weights, step, command, out = join(folder.path, modelFolderNames[weights]), dtype}: RunModelOptions,
): Promise<ModelCard> {
  const {config} = folder;
  const tokenizer = join(folder.path, 'tokenizer.json');
  const evaluation = evaluationOf(folder, step);
  const generation = folder.readGeneration();
  const parameters = model.parameterCount().toLocaleString('en-US');
  const contents = {
    model,
    ...(existsSync(tokenizer) ? {tokenizer: readTokenizer(tokenizer)} : {}),
    title: `${config.model.preset} on ${dataName(config)}, ${parameters} parameters, step ${step}`,
    ...(command === undefined ? {} : {command: withoutPlaces(command)}),
    training: {
      task: config.task,
      step,
      weights,
      backend: config.backend,
      settings: {...config.train},
      ...(evaluation === undefined ? {} : {evaluation}),
    },
    data: dataOf(config),
    ...(generation === undefined ? {} : {generation}),
  };
  return writeModelFolder(out, contents, {dtype});
}

/**
 * Writes both model folders of a run that ends; the model holds the last weights before, any afterwards. `sound` is false
 * where these are not finite: the last checkpoint's are written then.
 * Errors: CheckpointError, and as of `writeModelFolder`.
 */
export async function writeRunModels(
  folder: RunFolder,
  model: SequenceModel,
  {sound, command}: {sound: boolean; command?: string},
): Promise<void> {
  const {checkpoints, best} = folder;
  if (checkpoints.lastStep !== undefined) {
    if (!sound) await restoreWeights(model, checkpoints);
    await writeRunModel(folder, model, {weights: 'last', step: checkpoints.lastStep, command});
  }
  if (best.lastStep !== undefined) {
    await restoreWeights(model, best);
    await writeRunModel(folder, model, {weights: 'best', step: best.lastStep, command});
  }
}

async function restoreWeights(model: SequenceModel, store: CheckpointFolder): Promise<void> {
  const checkpoint = store.open();
  try {
    await restoreArrays(model.parameters(), checkpoint.weights);
  } finally {
    checkpoint.close();
  }
}

/** The evaluation of these weights, else the latest before them. */
function evaluationOf(folder: RunFolder, step: number): CardEvaluation | undefined {
  const found = folder.evaluations().findLast(one => one.step <= step);
  return found === undefined ? undefined : {step: found.step, report: {...found.report}};
}

function dataName({task, data}: RunConfig): string {
  return typeof data.data === 'string' ? `${task} (${basename(data.data)})` : task;
}

/** What a card says of data: a folder by its name alone, since the card travels and the path does not. */
function dataOf({task, data}: RunConfig): CardData {
  const settings: PlainSettings = Object.fromEntries(
    Object.entries(data)
      .filter(([key]) => key !== 'checksum')
      .map(([key, value]) => [key, key === 'data' ? basename(String(value)) : value]),
  );
  const sha256 = 'checksum' in workloadFamily(task).schema ? String(data.checksum) : '';
  return {settings, ...(sha256 === '' ? {} : {sha256})};
}
