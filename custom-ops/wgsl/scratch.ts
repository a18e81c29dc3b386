// Forms of a plan whose temporary buffers a device can bind: those that WebGPU promises to every device end at 128 MiB.

import type {GpuLimits, Plan} from './plan.js';

type BindingLimit = Pick<GpuLimits, 'bindingBytes'>;

/** Whether all temporary buffers, of these numbers of 4-byte words, can be bound. */
export function scratchFits(scratch: NonNullable<Plan['scratch']>, {bindingBytes}: BindingLimit): boolean {
  return Object.values(scratch).every(words => 4 * words <= bindingBytes);
}

/** Parts of so many 4-byte words each that one buffer holds; at least one. */
export function mostParts(words: number, {bindingBytes}: BindingLimit): number {
  return Math.max(1, Math.floor(bindingBytes / (4 * words)));
}

/** The first plan whose temporary buffers can be bound, else the last: whoever runs it says which buffer is too large. */
export function firstThatFits(limits: BindingLimit, first: Plan, ...others: readonly (() => Plan)[]): Plan {
  let plan = first;
  for (const other of others) {
    if (scratchFits(plan.scratch ?? {}, limits)) return plan;
    plan = other();
  }
  return plan;
}
