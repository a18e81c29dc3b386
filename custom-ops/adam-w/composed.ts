import type {Tensor, Variable} from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import {
  add,
  div,
  greater,
  mul,
  neg,
  reciprocal,
  scalar,
  sqrt,
  square,
  sub,
  where,
} from '@tensorflow/tfjs-core';
import type {NamedTensors} from '../op.js';
import type {AdamWAttributes} from './attributes.js';
import {adamWFactors, DOUBLINGS, LEAST_POWER, TERMS} from './attributes.js';

/** The variables get new memory: what shares their old memory keeps the old values. */
export function composed(inputs: NamedTensors, attrs: AdamWAttributes): NamedTensors {
  const {parameter, gradient, firstMoment, secondMoment, gradientScale, skipped} = inputs;
  const factors = adamWFactors(attrs);
  const [beta1, rest1, beta2, rest2, epsilon, keep] = factors.map(f => scalar(f));
  const [rate, correction] = corrections(factors, skipped);
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

/** Rate and correction of the second moment: those of the host, or, where steps were skipped, of the steps that were made. */
function corrections(factors: readonly number[], skipped: Tensor | undefined): Tensor[] {
  const [rate, correction, learningRate, step, log1, log2] = factors.slice(6).map(f => scalar(f));
  if (skipped === undefined) return [rate, correction];
  const made = sub(step, skipped);
  const own = [
    div(learningRate, restOfPower(mul(made, log1))),
    reciprocal(sqrt(restOfPower(mul(made, log2)))),
  ];
  const isAny = greater(skipped, scalar(0));
  return [where(isAny, own[0], rate), where(isAny, own[1], correction)];
}

/** 1 - e^x for x <= 0, by the series of a part of x and its doubling: the difference itself would lose its digits. */
function restOfPower(x: Tensor): Tensor {
  const y = mul(tf.maximum(x, scalar(LEAST_POWER)), scalar(2 ** -DOUBLINGS));
  let e: Tensor = scalar(1);
  for (let n = TERMS; n > 1; n--) e = add(scalar(1), mul(mul(y, scalar(1 / n)), e));
  e = mul(y, e);
  for (let i = 0; i < DOUBLINGS; i++) e = mul(e, add(e, scalar(2)));
  return neg(e);
}

function assign(target: Tensor, value: Tensor): void {
  (target as Variable).assign(value);
}
