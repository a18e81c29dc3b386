// What the page trains unless told otherwise, and which settings it shows.

import type {TrainConfig} from '../../worker/recipes.js';

export const shown = {
  model: ['preset', 'layers', 'dModel', 'heads', 'window', 'eideticSlots'],
  train: ['steps', 'batch', 'rate', 'seed'],
} as const;

/** Recall is learned in a sudden transition, after some hundred steps at this rate. */
const recall: TrainConfig = {
  recipe: 'recall',
  model: {
    preset: 'bmojo',
    layers: 2,
    dModel: 32,
    heads: 2,
    window: 8,
    eideticSlots: 24,
    stateSize: 16,
    mlp: false,
    seed: 1,
  },
  train: {
    steps: 1500,
    batch: 64,
    rate: 1.5e-2,
    evalEvery: 50,
    checkpointEvery: 50,
    stopAccuracy: 0.985,
    seed: 1,
  },
};

const text: TrainConfig = {
  recipe: 'text',
  context: 64,
  model: {
    preset: 'bmojo',
    layers: 2,
    dModel: 64,
    heads: 2,
    window: 16,
    eideticSlots: 16,
    mlp: true,
    rotaryBase: 100,
    seed: 1,
  },
  train: {steps: 1000, batch: 12, rate: 2e-3, evalEvery: 100, checkpointEvery: 100, seed: 1},
};

export const recipes = {recall, text} as const;

/** With the seed of the samples for the initial weights too, as on the command line: one is asked for. */
export const withOneSeed = (config: TrainConfig): TrainConfig => ({
  ...config,
  model: {...config.model, seed: config.train.seed},
});
