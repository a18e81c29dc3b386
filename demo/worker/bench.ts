// What this device does: every operator beside the same mathematics from tf operations, a training step, a decoded token.

import type {OpTiming} from '../../bench/ops.js';
import {benchOps} from '../../bench/ops.js';
import type {Call, Handler} from '../protocol.js';
import type {Device, DeviceBackend} from './device.js';
import {device} from './device.js';

/** One row: an operator in one form, or a whole model at work. */
export type BenchEvent =
  | {readonly type: 'device'; readonly device: Device}
  | {readonly type: 'operator'; readonly timing: OpTiming};

export interface BenchRequest {
  readonly backend: DeviceBackend;
  /** Operators by name; none: all. */
  readonly ops?: readonly string[];
  /** Milliseconds for each measurement. */
  readonly budgetMs: number;
}

export type BenchCall = Call<BenchRequest, BenchEvent, void>;

export const bench: Handler<'bench'> = async ({backend, ops, budgetMs}, {tell, signal}) => {
  tell({type: 'device', device: await device({backend}, {tell: () => {}, signal})});
  const limits = {minRuns: 3, onceIfSlow: true, budgetMs};
  for await (const timing of benchOps({backend, ops, forms: ['composed'], limits})) {
    if (signal.aborted) return;
    tell({type: 'operator', timing});
  }
};
