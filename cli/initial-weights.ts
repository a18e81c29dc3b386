// `bmojo train TASK --init-from RUN`: a new run that begins with the weights of another one.

import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {SettingError} from '../config/schema.js';
import {readTokenizer} from '../data/files/index.js';
import {tokenizerDigest} from '../data/tokenizers/index.js';
import {shellWord} from '../errors/shell-word.js';
import {checkRun} from '../experiments/run.js';
import type {RunConfig} from '../experiments/run-config.js';
import {RunFolder} from '../experiments/run-folder.js';
import {isRunFolder, readFolderWeights, tokenizerFolderOf} from '../experiments/trained.js';
import type {ModelConfig} from '../models/config.js';
import type {CardGeneration} from '../models/model-folder/index.js';
import type {ArraySource} from '../train/snapshot.js';
import {SnapshotError} from '../train/snapshot.js';

/** What a new run takes over from another one. */
export interface InitialWeights {
  /** Folder of the other run, or of its model. */
  readonly path: string;
  readonly step: number;
  readonly model: ModelConfig;
  readonly weights: readonly ArraySource[];
  /** SHA-256 of the weights. */
  readonly digest: string;
  /** How text is written with its model, where it says. */
  readonly generation?: CardGeneration;
}

/** Reads the last checkpoint of a run, or a model folder. Errors: RunFolderError, CheckpointError, ModelFormatError without a sound one. */
export async function readInitialWeights(path: string): Promise<InitialWeights> {
  if (!isRunFolder(path)) return readFolderWeights(path);
  const folder = RunFolder.open(path);
  const {config, checkpoints} = folder;
  // Open until the process ends: the weights are read when the run begins.
  const {step, weights, digest} = checkpoints.open();
  return {path, step, model: config.model, weights, digest, generation: folder.readGeneration()};
}

/** Digest of a folder's tokenizer; nothing where there is none. */
function tokenizerOf(folder: string): string | undefined {
  const file = join(folder, 'tokenizer.json');
  return existsSync(file) ? tokenizerDigest(readTokenizer(file)) : undefined;
}

/**
 * Refuses weights of a model that the run's settings do not make, and weights that were trained on the ids of another
 * tokenizer: a model of the same vocabulary size would take those, though every id means something else.
 * Errors: SettingError.
 */
export async function checkInitialWeights({path, weights}: InitialWeights, config: RunConfig): Promise<void> {
  const own = 'data' in config.data ? tokenizerOf(String(config.data.data)) : undefined;
  const home = tokenizerFolderOf(path);
  const other = tokenizerOf(home);
  if (own !== other)
    throw new SettingError(
      `--init-from: ${path} was trained on the ids of another tokenizer; prepare the data with ` +
        `npx bmojo data prepare FILES --tokenizer ${shellWord(join(home, 'tokenizer.json'))}`,
    );
  try {
    await checkRun(config, {initial: weights});
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    throw new SettingError(
      `--init-from: ${path} holds the weights of another model (${error.detail}); leave the model's options away to ` +
        'take its own',
    );
  }
}
