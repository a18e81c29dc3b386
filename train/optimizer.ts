// AdamW over a model's parameters (Loshchilov & Hutter, arXiv 1711.05101), with clipping by the global norm on the device.

import type {NamedTensorMap, Scalar, Variable} from '@tensorflow/tfjs-core';
import {
  add,
  div,
  keep,
  maximum,
  reciprocal,
  scalar,
  sqrt,
  sub,
  tidy,
  variable,
  zeros,
} from '@tensorflow/tfjs-core';
import type {AdamWOptions} from '../custom-ops/index.js';
import {adamW, sumOfSquares} from '../custom-ops/index.js';
import type {ParameterGroup} from './parameter-groups.js';
import {groupOf} from './parameter-groups.js';
import type {TrainSettings} from './settings.js';
import type {Parameter} from './trainable.js';

interface Slot extends Parameter {
  readonly group: ParameterGroup;
  readonly firstMoment: Variable;
  readonly secondMoment: Variable;
}

/**
 * AdamW over a model's parameters, each group with its own rate and decay, with clipping by the global norm
 * of the gradient on the device; settings as of {@link trainSchema}.
 *
 * Gradients and moments have the shapes of their parameters, any shape. Source: arXiv 1711.05101.
 */
export class AdamWOptimizer {
  private readonly slots: readonly Slot[];
  /** The slots of each group's rate and decay: a call of adamW takes them together. */
  private readonly groups: readonly (readonly Slot[])[];
  /** The largest norm, on the device. */
  private readonly clip: Scalar | undefined;

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
    this.groups = groupsOf(this.slots);
    this.clip = settings.clip > 0 ? keep(scalar(settings.clip)) : undefined;
  }

  /**
   * Updates every parameter in place. `gradients` by variable name, those of `factor` times the loss where `scaling` is given:
   * then a norm that is not finite leaves everything as it was. `step` counts from 1, `skipped` are those before it that left
   * everything as it was: they do not count in the correction of the moments' bias.
   * Returns the global norm of the gradient before clipping, left on the device.
   */
  apply(
    gradients: NamedTensorMap,
    rate: number,
    step: number,
    {factor, skipped}: {factor?: Scalar; skipped?: Scalar} = {},
  ): Scalar {
    const options = this.options(rate, step);
    return tidy(() => {
      const scaled = sqrt(sumOfSquares(this.slots.map(slot => gradients[slot.variable.name])));
      const norm = factor === undefined ? scaled : div<Scalar>(scaled, factor);
      const gradientScale = this.gradientScale(norm, factor);
      this.groups.forEach((slots, i) => {
        const states = slots.map(({variable: parameter, firstMoment, secondMoment}) => {
          const gradient = gradients[parameter.name];
          return {parameter, gradient, firstMoment, secondMoment, gradientScale, skipped};
        });
        adamW(states, options[i]);
      });
      return norm;
    });
  }

  /** What gradients are multiplied with: the clipping, the inverse of their factor, and NaN for a step to be skipped. */
  private gradientScale(norm: Scalar, factor: Scalar | undefined): Scalar | undefined {
    const {clip} = this;
    const clipping = clip === undefined ? undefined : div<Scalar>(clip, maximum(norm, clip));
    if (factor === undefined) return clipping;
    const inverse = clipping === undefined ? reciprocal(factor) : div<Scalar>(clipping, factor);
    return add(inverse, sub(norm, norm));
  }

  /** What `apply` gives to each of its calls of adamW, in their order. */
  options(rate: number, step: number): Required<AdamWOptions>[] {
    const {beta1, beta2, epsilon} = this.settings;
    return this.groups.map(
      ([
        {
          group: {rateFactor, weightDecay},
        },
      ]) => {
        return {learningRate: rate * rateFactor, weightDecay, step, beta1, beta2, epsilon};
      },
    );
  }

  /** The moments under the names `first_moment/<parameter>` and `second_moment/<parameter>`. */
  moments(): readonly Parameter[] {
    return this.slots.flatMap(slot => [
      {name: `first_moment/${slot.name}`, variable: slot.firstMoment},
      {name: `second_moment/${slot.name}`, variable: slot.secondMoment},
    ]);
  }

  dispose(): void {
    this.clip?.dispose();
    for (const slot of this.slots) {
      slot.firstMoment.dispose();
      slot.secondMoment.dispose();
    }
  }
}

/** Slots by rate and decay, in the order in which these come first. */
function groupsOf(slots: readonly Slot[]): Slot[][] {
  const groups = new Map<string, Slot[]>();
  for (const slot of slots) {
    const key = Object.values(slot.group).join();
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [slot]);
    else known.push(slot);
  }
  return [...groups.values()];
}
