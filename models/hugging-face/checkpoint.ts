// A checkpoint before its numbers: its settings, the layout that they fit, and which tensor becomes which weight.

import {SettingError} from '../../config/schema.js';
import {isRecord} from '../../formats/json-text.js';
import type {ModelConfig} from '../config.js';
import {parseModelConfig} from '../config.js';
import type {ModelSource} from '../model-folder/source.js';
import {readText} from '../model-folder/source.js';
import type {ParameterShape} from '../parameters.js';
import {parameterShapes} from '../parameters.js';
import {CheckpointConfig, parsePythonJson} from './checkpoint-config.js';
import {CheckpointImportError} from './import-error.js';
import type {Layout} from './layout.js';
import {layouts} from './layouts/index.js';
import {isMambaSsm, ofMambaSsm} from './mamba-ssm.js';
import type {Matches} from './matching.js';
import {matchTensors} from './matching.js';
import type {WeightFile} from './weight-files.js';
import {openWeightFiles} from './weight-files.js';

export const CONFIG = 'config.json';

/** A checkpoint whose settings are read and fit one of our layouts. */
export interface DescribedCheckpoint {
  /** config.json as it is. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The same in the words of the layout. */
  readonly checkpoint: CheckpointConfig;
  readonly layout: Layout;
  readonly settings: ModelConfig;
  /** Of the model of those settings. */
  readonly parameters: readonly ParameterShape[];
}

/** A checkpoint whose files are open and hold what its settings ask for. */
export interface PlannedCheckpoint extends DescribedCheckpoint {
  readonly files: readonly WeightFile[];
  readonly matches: Matches;
}

/** Whether the text of a config.json is that of a checkpoint, of a layout that we have or not; a run's is another. */
export function isPretrainedConfig(text: string): boolean {
  try {
    const values = parsePythonJson(CONFIG, text);
    return typeof values.model_type === 'string' || isMambaSsm(values);
  } catch (error) {
    if (error instanceof CheckpointImportError) return false;
    throw error;
  }
}

/** Settings of a config.json. Errors: CheckpointImportError for an unknown layout, and by name for what our layers lack. */
export function describeCheckpoint(where: string, values: unknown): DescribedCheckpoint {
  if (!isRecord(values)) throw new CheckpointImportError(`${where}: config must be an object`);
  const given = new CheckpointConfig(where, values);
  const checkpoint = isMambaSsm(values) ? ofMambaSsm(given) : given;
  const type = checkpoint.get('model_type');
  const layout = layouts.find(({modelType}) => modelType === type);
  if (layout === undefined)
    return checkpoint.fail('model_type', `one of ${layouts.map(({modelType}) => modelType).join(', ')}`);
  if (checkpoint.has('quantization_config'))
    checkpoint.fail(
      'quantization_config',
      'missing: weights are read as float32, float16, bfloat16 or float64',
    );
  try {
    const settings = parseModelConfig(layout.settings(checkpoint));
    return {config: values, checkpoint, layout, settings, parameters: parameterShapes(settings)};
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    throw new CheckpointImportError(`${where}: ${error.message}`);
  }
}

/** The settings of a folder. Errors: CheckpointImportError. */
export async function readCheckpointConfig(
  source: ModelSource,
  signal?: AbortSignal,
): Promise<DescribedCheckpoint> {
  const text = await readText(source, CONFIG, signal);
  if (text === undefined)
    throw new CheckpointImportError(
      `${source.name}: there is no ${CONFIG}, so this is no model of Hugging Face`,
    );
  const where = `${source.name}: ${CONFIG}`;
  return describeCheckpoint(where, parsePythonJson(where, text));
}

/** Opens the files of weights and compares what their headers say with the settings. Errors: CheckpointImportError. */
export async function planCheckpoint(
  source: ModelSource,
  described: DescribedCheckpoint,
  signal?: AbortSignal,
): Promise<PlannedCheckpoint> {
  const {layout, checkpoint, parameters} = described;
  const files = await openWeightFiles(source, signal);
  const tensors = files.flatMap(({places}) => places);
  const matches = matchTensors(source.name, layout, layout.places(checkpoint), parameters, tensors);
  return {...described, files, matches};
}
