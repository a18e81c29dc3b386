// Which weights of a trained model a command loads, and where it computes.

import {SettingError} from '../config/schema.js';
import type {BackendName} from '../custom-ops/index.js';
import {BackendError, backendRequests, chooseBackend, useBackend} from '../custom-ops/index.js';
import type {WeightsName} from '../experiments/run-models.js';
import type {Trained} from '../experiments/trained.js';
import type {WeightDType} from '../formats/weight-dtype.js';
import {weightDTypes} from '../formats/weight-dtype.js';

type Args = Readonly<Record<string, unknown>>;

/** The options that {@link loadOptions} reads. */
export const loadOptionsGroup = {
  weights: {
    type: 'string' as const,
    choices: ['best', 'last'] as const,
    describe:
      'weights of the best evaluation, or of the last update [default: best, where there was an evaluation]',
  },
  dtype: {
    type: 'string' as const,
    choices: weightDTypes,
    describe:
      'how the weights lie in memory: float16 and bfloat16 take half of the bytes, rounded [default: float32]',
  },
  backend: {
    type: 'string' as const,
    choices: backendRequests,
    describe:
      'where to compute [default: as in training; where that does not start here, the fastest that does]',
  },
};

/** For `--checkpoint`: what it takes. */
export const checkpointWords = 'run folder made by bmojo train, a model folder, or a folder of Hugging Face';

/** Starts a backend for a trained model and says aloud what is not as asked. Errors: BackendError when the one asked for does not start; SettingError. */
export async function loadOptions(
  trained: Trained,
  {weights, backend, dtype}: Args,
): Promise<{weights: WeightsName; backend: BackendName; dtype: WeightDType}> {
  const asked = backendRequests.find(name => name === backend);
  return {
    weights: chosenWeights(trained, weights),
    dtype: weightDTypes.find(one => one === dtype) ?? 'float32',
    backend: asked === undefined ? await backendOf(trained) : await useBackend(asked),
  };
}

/** Errors: SettingError when weights are asked for that a folder does not hold. */
export function chosenWeights({path, kind, weights: held}: Trained, asked: unknown): WeightsName {
  if (asked === undefined && !held.includes('best') && held.includes('last')) {
    if (kind === 'run')
      process.stderr.write(`note: ${path} has no evaluation yet; these are its last weights\n`);
    return 'last';
  }
  const wanted = asked === 'last' ? 'last' : 'best';
  if (asked !== undefined && held.length > 0 && !held.includes(wanted))
    throw new SettingError(`--weights ${wanted}: ${path} holds the ${held.join(' and ')} weights alone`);
  return wanted;
}

async function backendOf({config: {backend}}: Trained): Promise<BackendName> {
  if (backend === undefined) return useBackend((await chooseBackend()).backend);
  try {
    return await useBackend(backend);
  } catch (error) {
    if (!(error instanceof BackendError)) throw error;
    const choice = await chooseBackend();
    process.stderr.write(
      `note: the model was trained on ${backend}, which does not start here; computed on ${choice.backend} (${choice.reason})\n`,
    );
    return useBackend(choice.backend);
  }
}
