// What this device does: every operator, or a whole model at work, beside the same mathematics from tf operations.

import type {ModelTiming} from '../../bench/models.js';
import {benchModels} from '../../bench/models.js';
import type {OpTiming} from '../../bench/ops.js';
import {benchOps} from '../../bench/ops.js';
import type {Call, Handler} from '../protocol.js';
import type {Device, DeviceBackend} from './device.js';
import {device} from './device.js';

/** One row: an operator in one form, or a whole model at work. */
export type BenchEvent =
  | {readonly type: 'device'; readonly device: Device}
  | {readonly type: 'operator'; readonly timing: OpTiming}
  | {readonly type: 'model'; readonly timing: ModelTiming};

export interface BenchRequest {
  readonly backend: DeviceBackend;
  readonly what: 'operators' | 'model';
  /** Milliseconds for each measurement. */
  readonly budgetMs: number;
}

export type BenchCall = Call<BenchRequest, BenchEvent, void>;

export const bench: Handler<'bench'> = async ({backend, what, budgetMs}, {tell, signal}) => {
  tell({type: 'device', device: await device({backend}, {tell: () => {}, signal})});
  const limits = {minRuns: 3, onceIfSlow: true, budgetMs};
  if (what === 'model') {
    for await (const timing of benchModels(['kernel', 'composed'], limits)) {
      if (signal.aborted) return;
      tell({type: 'model', timing});
    }
    return;
  }
  for await (const timing of benchOps({backend, forms: ['composed'], limits})) {
    if (signal.aborted) return;
    tell({type: 'operator', timing});
  }
};
