// The least that training accepts: a table, an elementwise gain standing in for SSM parameters, and a head.

import type {Rank, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {matMul, mul, reshape, tensor, variable} from '@tensorflow/tfjs-core';
import {embeddingLookup} from '../../custom-ops/index.js';
import {randomStream} from '../../data/random.js';
import type {Task} from '../../data/task.js';
import {IGNORED} from '../../data/task.js';
import type {TrainableModel} from '../../train/trainable.js';

export interface TinyModel extends TrainableModel {
  dispose(): void;
}

export function tinyModel(vocabSize = 12, width = 6): TinyModel {
  const random = randomStream([77, 1], 0);
  const make = (shape: number[], scale: number) => {
    const length = shape.reduce((a, b) => a * b, 1);
    const initial = tensor(
      Float32Array.from({length}, () => scale * (random.uniform() - 0.5)),
      shape,
    );
    const made = variable(initial);
    initial.dispose();
    return made;
  };
  const parameters = [
    {name: 'embedding/table', variable: make([vocabSize, width], 1)},
    {name: 'block_0/ssm.D', variable: make([width], 2)},
    {name: 'head/kernel', variable: make([width, vocabSize], 1)},
  ];
  const [table, gain, kernel] = parameters.map(parameter => parameter.variable);
  return {
    vocabSize,
    parameters: () => parameters,
    headWeights: () => [kernel],
    hidden: tokens => mul(embeddingLookup(table as Tensor2D, tokens), gain) as Tensor3D,
    logits: hidden => reshape<Rank.R2>(matMul(hidden, kernel as Tensor2D), [hidden.shape[0], vocabSize]),
    dispose: () => {
      for (const parameter of parameters) parameter.variable.dispose();
    },
  };
}

/** Every second token is asked for: the answer is 5 x token + 1 modulo the vocabulary. */
export function mapTask(vocabSize = 12, length = 6): Task {
  return {
    name: 'map',
    vocabSize,
    length,
    chance: 1 / vocabSize,
    sample: ({seed, split, index}) => {
      const random = randomStream([seed, split === 'train' ? 1 : 2], index);
      const inputs = Int32Array.from({length}, () => random.integer(vocabSize));
      const labels = inputs.map((token, i) => (i % 2 === 0 ? (5 * token + 1) % vocabSize : IGNORED));
      const queries = [...inputs.keys()]
        .filter(i => i % 2 === 0)
        .map(position => ({position, distance: position + 1}));
      return {inputs, labels, queries};
    },
  };
}
