import type {Tensor, Variable} from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import {add, div, mul, scalar, sqrt, square, sub, where} from '@tensorflow/tfjs-core';
import type {NamedTensors} from '../op.js';
import type {AdamWAttributes} from './attributes.js';
import {adamWFactors} from './attributes.js';

/** The variables get new memory: what shares their old memory keeps the old values. */
export function composed(inputs: NamedTensors, attrs: AdamWAttributes): NamedTensors {
  const {parameter, gradient, firstMoment, secondMoment, gradientScale} = inputs;
  const [beta1, rest1, beta2, rest2, epsilon, keep, rate, correction] = adamWFactors(attrs).map(f =>
    scalar(f),
  );
  const g = gradientScale === undefined ? gradient : mul(gradient, gradientScale);
  const m = add(mul(firstMoment, beta1), mul(g, rest1));
  const v = add(mul(secondMoment, beta2), mul(square(g), rest2));
  const direction = div(m, add(mul(sqrt(v), correction), epsilon));
  const next = sub(mul(parameter, keep), mul(direction, rate));
  const kept = (now: Tensor, then: Tensor): Tensor =>
    gradientScale === undefined ? then : where(tf.isNaN(gradientScale), now, then);
  assign(firstMoment, kept(firstMoment, m));
  assign(secondMoment, kept(secondMoment, v));
  assign(parameter, kept(parameter, next));
  return {};
}

function assign(target: Tensor, value: Tensor): void {
  (target as Variable).assign(value);
}
