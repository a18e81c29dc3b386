// What training changes of a model: its variables under stable names.

import type {Tensor} from '@tensorflow/tfjs-core';
import {mul, tidy, Variable} from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';

/** A trained variable of a model, under the name by which checkpoints know it. */
export interface Parameter {
  /** Stable name such as `block_0/ssm.A_log`: the key in checkpoints, and what decides the parameter's group. */
  readonly name: string;
  readonly variable: Variable;
}

/** The trainable weights of a built model, in its order. */
export function parametersOf(model: tfl.LayersModel): Parameter[] {
  return model.trainableWeights.map(weight => {
    const variable = weight.read();
    if (!(variable instanceof Variable)) throw new Error(`${weight.originalName} is not a variable`);
    return {name: weight.originalName, variable};
  });
}

/** Number of trainable numbers. */
export function sizeOf(parameters: readonly Parameter[]): number {
  return parameters.reduce((total, {variable}) => total + variable.size, 0);
}

/** Gives a variable the numbers of a tensor of its shape in memory of its own: training updates variables in place. */
export function copyInto(variable: Variable, numbers: Tensor): void {
  tidy(() => variable.assign(mul(numbers, 1)));
}
