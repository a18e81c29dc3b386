// Dynamic scaling of the loss for products in float16: gradients too small for the format are multiplied before they are
// computed and divided before they are used. Where they overflow, the step changes nothing and the factor is halved; after
// a long time without, it is doubled. All of it stays on the device. Source: Micikevicius et al. 2018, arXiv 1710.03740.

import type {Scalar, Tensor1D} from '@tensorflow/tfjs-core';
import {
  add,
  cast,
  equal,
  floor,
  minimum,
  mul,
  reshape,
  slice,
  stack,
  sub,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import type {DeviceConstants} from './objective.js';
import type {TrainSettings} from './settings.js';
import type {ArraySource, NamedShape} from './snapshot.js';
import {checkShapes} from './snapshot.js';

/** [factor, steps since it last changed, steps skipped so far], on the device. */
export type LossScale = Tensor1D;

const COUNT = 3;
const LARGEST = 2 ** 24;
/** A factor below it hides no gradient any more: what is not finite then is the model's. */
export const LEAST_FACTOR = 1;

/** What checkpoints call it. */
export const lossScaleShape: NamedShape = {name: 'loss_scale', shape: [COUNT]};

export function startLossScale({lossScale}: TrainSettings): LossScale {
  return tensor1d([lossScale, 0, 0]);
}

/** The numbers as a checkpoint keeps them. */
export function lossScaleSource(state: LossScale): ArraySource {
  return {...lossScaleShape, read: async () => Float32Array.from(await state.data<'float32'>())};
}

/** Errors: SnapshotError where it is another array. */
export async function restoreLossScale(source: ArraySource): Promise<LossScale> {
  checkShapes([lossScaleShape], [source]);
  return tensor1d(Float32Array.from(await source.read()));
}

function part(state: LossScale, index: number): Scalar {
  return reshape(slice(state, [index], [1]), []);
}

export function factorOf(state: LossScale): Scalar {
  return part(state, 0);
}

/** Steps that were skipped so far. */
export function skippedOf(state: LossScale): Scalar {
  return part(state, 2);
}

/** 1 where a number is finite, else 0: the difference of infinities, and of NaN, is none that equals anything. */
export function finiteness(value: Scalar, constants: DeviceConstants): Scalar {
  return tidy(() => cast(equal(sub(value, value), constants.scalar(0)), 'float32') as Scalar);
}

/** The state after a step whose gradient was finite (1) or was not (0). */
export function nextLossScale(
  state: LossScale,
  finite: Scalar,
  {lossScaleGrowth}: TrainSettings,
  constants: DeviceConstants,
): LossScale {
  return tidy(() => {
    const one = constants.scalar(1);
    const half = constants.scalar(0.5);
    const held = mul(add(part(state, 1), one), finite);
    const grows = floor(mul(add(held, half), constants.scalar(1 / lossScaleGrowth)));
    const change = mul(add(one, grows), add(half, mul(half, finite)));
    return stack<Scalar>([
      minimum(mul(part(state, 0), change), constants.scalar(LARGEST)),
      mul(held, sub(one, grows)),
      add(part(state, 2), sub(one, finite)),
    ]) as LossScale;
  });
}
