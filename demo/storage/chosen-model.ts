// A model as a page asks for it: its name, and how its matrices are held.

import type {WeightDType} from '../../formats/weight-dtype.js';

export interface ChosenModel {
  readonly model: string;
  /** How its matrices lie in memory; those of halves are for reading and writing alone. */
  readonly dtype: WeightDType;
}

/** What is remembered with rounded weights is theirs alone: no name of a model has a space in it. */
export const memoryNameOf = ({model, dtype}: ChosenModel): string =>
  dtype === 'float32' ? model : `${model} ${dtype}`;
