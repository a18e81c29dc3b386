// A training set of fixed size that is passed over again and again, as MAD trains, out of an endless stream of samples.

import {randomStream} from '../random.js';
import type {SampleKey, Task} from '../task.js';

const SHUFFLE_TAG = 0x73680001;

/**
 * The same task with `examples` training samples in all, in a new order on every pass; held-out samples stay endless.
 * `examples` 0 leaves the task as it is.
 */
export function finiteTrainingSet(task: Task, examples: number): Task {
  if (examples === 0) return task;
  let order: {seed: number; pass: number; ids: readonly number[]} | undefined;
  const shuffled = (seed: number, pass: number): readonly number[] => {
    if (order === undefined || order.seed !== seed || order.pass !== pass)
      order = {seed, pass, ids: randomStream([seed, SHUFFLE_TAG], pass).distinct(examples, examples)};
    return order.ids;
  };
  const place = (key: SampleKey): SampleKey => {
    const pass = Math.floor(key.index / examples);
    return {...key, index: shuffled(key.seed, pass)[key.index % examples]};
  };
  return {...task, sample: key => task.sample(key.split === 'train' ? place(key) : key)};
}
