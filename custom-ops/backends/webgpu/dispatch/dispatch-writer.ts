// Writes dispatches into the backend's compute pass with as few calls of WebGPU as it takes: a pipeline that is set stays.

import type {Recorder} from './recorder.js';
import {computePass} from './recorder.js';

const noOffsets: readonly number[] = [];

export class DispatchWriter {
  private pass: GPUComputePassEncoder | undefined;
  private pipeline: GPUComputePipeline | undefined;
  /** Dispatches in the pass after the last one from here: when there are more, others have set pipelines of theirs. */
  private count = 0;

  constructor(private readonly recorder: Recorder) {}

  write(
    pipeline: GPUComputePipeline,
    group: GPUBindGroup,
    workgroups: readonly [number, number, number],
    offsets = noOffsets,
  ): void {
    const {recorder} = this;
    const pass = computePass(recorder);
    if (pass !== this.pass || pipeline !== this.pipeline || recorder.dispatchCountInPass !== this.count) {
      pass.setPipeline(pipeline);
      this.pass = pass;
      this.pipeline = pipeline;
    }
    if (offsets.length === 0) pass.setBindGroup(0, group);
    else pass.setBindGroup(0, group, offsets);
    pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
    this.count = ++recorder.dispatchCountInPass;
  }
}
