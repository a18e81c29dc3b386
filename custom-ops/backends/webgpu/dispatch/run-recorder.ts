// What the dispatcher tells whoever records a run.

import type {TensorInfo} from '@tensorflow/tfjs-core';
import type {Attributes, Dims} from '../../../op.js';
import type {GpuKernel} from '../../../wgsl/plan.js';

type Numbers = Readonly<Record<string, number>>;

export interface RunRecorder {
  /** Tensors whose memory the run changes. */
  readonly written: Set<TensorInfo['dataId']>;
  /** Runs `body` with everything that it issues recorded. */
  record<T>(body: () => T): T;
  /** Called before the passes of a call are recorded. */
  beginCall(name: string, kernel: GpuKernel, dims: Dims, attrs: Attributes): void;
  /** Where the uniforms of a pass of this call lie: the pass's own numbers, and of others those of the call. */
  place(names: readonly string[], numbers: Numbers, own: Numbers): {buffer: GPUBuffer; offset: number};
}
