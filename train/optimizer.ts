// AdamW over a model's parameters (Loshchilov & Hutter, arXiv 1711.05101), with clipping by the global norm on the device.

import type {NamedTensorMap, Scalar, Tensor, Variable} from '@tensorflow/tfjs-core';
import {addN, div, maximum, scalar, sqrt, square, sum, tidy, variable, zeros} from '@tensorflow/tfjs-core';
import {adamW} from '../custom-ops/index.js';
import type {ParameterGroup} from './parameter-groups.js';
import {groupOf} from './parameter-groups.js';
import type {TrainSettings} from './settings.js';
import type {Parameter} from './trainable.js';

interface Slot extends Parameter {
  readonly group: ParameterGroup;
  readonly firstMoment: Variable;
  readonly secondMoment: Variable;
}

export class AdamWOptimizer {
  private readonly slots: readonly Slot[];

  constructor(
    parameters: readonly Parameter[],
    private readonly settings: TrainSettings,
  ) {
    this.slots = parameters.map(({name, variable: weights}) => ({
      name,
      variable: weights,
      group: groupOf(name, weights.rank, settings),
      firstMoment: tidy(() => variable(zeros(weights.shape), false)),
      secondMoment: tidy(() => variable(zeros(weights.shape), false)),
    }));
  }

  /**
   * Updates every parameter in place. `gradients` by variable name; `step` counts from 1.
   * Returns the global norm before clipping, left on the device.
   */
  apply(gradients: NamedTensorMap, rate: number, step: number): Scalar {
    const {clip, beta1, beta2, epsilon} = this.settings;
    return tidy(() => {
      const norm = globalNorm(this.slots.map(slot => gradients[slot.variable.name]));
      const gradientScale = clip > 0 ? div<Scalar>(scalar(clip), maximum(norm, scalar(clip))) : undefined;
      for (const {variable: parameter, group, firstMoment, secondMoment} of this.slots) {
        const gradient = gradients[parameter.name];
        adamW(
          {parameter, gradient, firstMoment, secondMoment, gradientScale},
          {
            learningRate: rate * group.rateFactor,
            weightDecay: group.weightDecay,
            step,
            beta1,
            beta2,
            epsilon,
          },
        );
      }
      return norm;
    });
  }

  /** The moments under the names `first_moment/<parameter>` and `second_moment/<parameter>`. */
  moments(): readonly Parameter[] {
    return this.slots.flatMap(slot => [
      {name: `first_moment/${slot.name}`, variable: slot.firstMoment},
      {name: `second_moment/${slot.name}`, variable: slot.secondMoment},
    ]);
  }

  dispose(): void {
    for (const slot of this.slots) {
      slot.firstMoment.dispose();
      slot.secondMoment.dispose();
    }
  }
}

function globalNorm(gradients: readonly Tensor[]): Scalar {
  return sqrt(addN(gradients.map(gradient => sum(square(gradient)))));
}
