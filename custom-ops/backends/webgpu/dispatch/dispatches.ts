// Dispatches as data: what a recorded step replays, and what the device is timed with.

export interface Dispatch {
  /** Registered name of the kernel that it is part of, tfjs's or ours. */
  readonly kernel: string;
  /** Its sizes by shape letter for ours, its workgroups for tfjs's. */
  readonly size: string;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly offsets: readonly number[];
  readonly workgroups: readonly [number, number, number];
}

/**
 * Dispatches of one command buffer. Through Dawn on a real GPU, buffers of 32 to 128 cost 3.6 us for each dispatch, those of
 * 300 twice that; and the device begins with the first while the next are handed over.
 */
export const IN_PART = 64;

/** Encodes dispatches into a pass. */
export function encodeDispatches(pass: GPUComputePassEncoder, dispatches: readonly Dispatch[]): void {
  let last: GPUComputePipeline | undefined;
  for (const {pipeline, group, offsets, workgroups} of dispatches) {
    if (pipeline !== last) pass.setPipeline(pipeline);
    last = pipeline;
    if (offsets.length === 0) pass.setBindGroup(0, group);
    else pass.setBindGroup(0, group, offsets);
    pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
  }
}
