// Drivers differ: each op is compared with its definition when a device first runs it, on its smallest test case, its
// gradients when it first runs those. A kernel that is off gives way to the composed form.

import {backend, getBackend, unregisterKernel} from '@tensorflow/tfjs-core';
import type {Attributes, OpCase, OpDefinition} from '../../../op.js';
import {kernelName} from '../../../op.js';
import {deviations} from '../../../parity.js';
import {isLost} from './lost-device.js';
import {asRecorder} from './recorder.js';

let replaced = 0;

/** Grows when a kernel is taken out of use: what was recorded before would still run it. */
export function replacedKernels(): number {
  return replaced;
}

const checked = new WeakMap<object, Set<string>>();

/** Schedules the check of an op's direction at its first use on a backend instance. */
export function checkAtFirstUse(op: OpDefinition, direction: 'forward' | 'backward', instance: object): void {
  let names = checked.get(instance);
  if (names === undefined) {
    names = new Set();
    checked.set(instance, names);
  }
  const name = `${op.name} ${direction}`;
  if (names.has(name)) return;
  names.add(name);
  // The check of a gradient runs forward, too.
  if (direction === 'backward') names.add(`${op.name} forward`);
  const check = new Promise<void>(resolve => {
    setTimeout(() => {
      if (getBackend() !== 'webgpu') names.delete(name);
      resolve(getBackend() === 'webgpu' ? checkKernel(op, direction).then(() => {}) : undefined);
    });
  });
  underWay.add(check);
  void check.finally(() => underWay.delete(check));
}

const underWay = new Set<Promise<void>>();

/** Resolves when no self-check is under way: what is timed before would share the device with it. */
export async function selfChecksDone(): Promise<void> {
  while (underWay.size > 0) await Promise.all(underWay);
}

function smallestCase(op: OpDefinition): OpCase<Attributes> | undefined {
  const size = ({dims}: OpCase<Attributes>): number => Object.values(dims).reduce((a, b) => a * (b + 1), 1);
  const cases = op.cases.filter(({use}) => use === 'test');
  return cases.length === 0 ? undefined : cases.reduce((a, b) => (size(b) < size(a) ? b : a));
}

/** Milliseconds in which a device that fails is known to be lost. */
const NEWS_OF_LOSS = 250;

/**
 * Whether the op's kernels agree with its definition, `forward` alone or both; where not, they are taken out of use with a
 * warning. A device that was lost meanwhile, or a backend that was left, says nothing of them.
 */
export async function checkKernel(
  op: OpDefinition,
  direction: 'forward' | 'backward' = 'backward',
): Promise<boolean> {
  const smallest = smallestCase(op);
  if (smallest === undefined) return true;
  const asked = backend();
  let fault: string | undefined;
  try {
    const found = await deviations(op, smallest, {gradients: direction === 'backward'});
    const off = found.find(({isWithin}) => !isWithin);
    if (off !== undefined) fault = `${off.quantity} is off by ${off.error.toExponential(1)} (RMS-relative)`;
  } catch (error) {
    fault = error instanceof Error ? error.message : String(error);
  }
  if (fault === undefined) return true;
  if ((await isLost(asRecorder(asked).device, NEWS_OF_LOSS)) || backend() !== asked) return true;
  console.warn(
    `bmojo: ${op.name} fails its self-check on this GPU (${fault}); it runs composed from now on, slower`,
  );
  replaced++;
  unregisterKernel(kernelName(op, 'forward'), 'webgpu');
  if (op.backward !== undefined) unregisterKernel(kernelName(op, 'backward'), 'webgpu');
  return false;
}
