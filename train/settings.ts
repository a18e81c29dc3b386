// The settings of a training run: one declaration for defaults, checks, config.json and the command line.

import {choice, flag, integer, number, parseSettings, SettingError, said} from '../config/schema.js';
import {activationFormats} from './activation-formats.js';
import type {PartialTrainSettings, TrainSettings} from './settings.generated.js';

export type {TrainSettings};

/** Settings of a training with their defaults, bounds and reasons. */
export const trainSchema = {
  steps: integer(
    4000,
    1,
    1e9,
    'updates of the weights; recall appears in a sudden transition, so train past it',
  ),
  batch: integer(128, 1, 1 << 20, 'samples per step'),
  accumulate: integer(
    1,
    1,
    1 << 20,
    'parts of a batch computed one after the other: less memory, same result',
  ),
  recompute: flag(
    false,
    'keep only the inputs of blocks and compute the rest again for the gradient: less memory, a third more time',
  ),
  activations: choice(
    activationFormats,
    'float32',
    'in what the forward pass keeps for the gradient; float16 and bfloat16 round what is large to 16 bits: half of its memory',
  ),
  logitRows: integer(
    0,
    0,
    2 ** 24,
    'tokens whose logits are held at once, their gradient included, which large vocabularies need; 0: as many as take 256 MiB',
  ),
  rate: number(5e-3, 0, 10, 'peak learning rate; associative recall learns in a narrow range, so sweep it'),
  ssmRateFactor: number(1, 0, 1000, 'learning rate of the state-space parameters as a multiple of rate'),
  gateRateFactor: number(1, 0, 1000, 'learning rate of the gates of grafted memories as a multiple of rate'),
  warmup: number(0.05, 0, 1, 'share of the steps with a linearly rising rate'),
  finalRate: number(0, 0, 1, 'rate at the end of the cosine as a share of rate'),
  weightDecay: number(0.1, 0, 10, 'decoupled decay of matrices; A_log, D, biases and norms have none'),
  clip: number(1, 0, 1e9, 'largest global norm of the gradient; 0 does not clip'),
  beta1: number(0.9, 0, 0.999999, 'decay of the mean of gradients'),
  beta2: number(0.999, 0, 0.999999, 'decay of the mean of squared gradients'),
  epsilon: number(1e-8, 1e-30, 1, 'added to the root of the mean square'),
  lossScale: number(
    65536,
    1,
    2 ** 24,
    'products in float16: first factor of the loss, so that small gradients are not lost; halved when a gradient overflows, whose step is skipped',
  ),
  lossScaleGrowth: integer(
    2000,
    1,
    1e9,
    'products in float16: steps without an overflow after which the factor of the loss doubles',
  ),
  capture: flag(true, 'record a step once and replay it, on webgpu and tensorflow: same numbers, less time'),
  seed: integer(1, 0, 2 ** 31 - 1, 'seed of the samples and, in runs, of the initial weights'),
  logEvery: integer(10, 1, 1e9, 'steps between lines of metrics.jsonl'),
  evalEvery: integer(250, 1, 1e9, 'steps between evaluations on held-out samples'),
  stopAccuracy: number(
    0,
    0,
    1,
    'held-out accuracy at which training ends early, as in MAD (0.999); 0 never does',
  ),
  patience: integer(
    0,
    0,
    1e9,
    'evaluations in a row without a better held-out score after which training ends early; 0 never does',
  ),
  evalSamples: integer(512, 1, 1e9, 'held-out samples per evaluation'),
  checkpointEvery: integer(250, 1, 1e9, 'steps between checkpoints'),
} as const;

/**
 * Fills defaults into training settings and checks them. Errors: SettingError for an unknown setting, a bad
 * value, or a batch that `accumulate` does not divide.
 */
export function parseTrainSettings(
  given: PartialTrainSettings | Readonly<Record<string, unknown>>,
): TrainSettings {
  const settings = parseSettings('train', trainSchema, given);
  if (settings.batch % settings.accumulate !== 0) {
    throw new SettingError(
      'train',
      said`{batch} must be a multiple of {accumulate} = ${settings.accumulate}, got ${settings.batch}`,
    );
  }
  return settings;
}
