// Drivers differ: each op is compared with its definition when a device first runs it in a precision, on its smallest test
// case (the largest where less than float32 is asked: small ones do without matrix units), its gradients when it first runs
// those. A kernel that is off on matrix units gives way to the one without, any other to the composed form.

import {backend, getBackend, getKernel, unregisterKernel} from '@tensorflow/tfjs-core';
import type {Attributes, KernelRole, OpCase, OpDefinition} from '../../../op.js';
import {kernelName} from '../../../op.js';
import type {Deviation} from '../../../parity.js';
import {casesOf, deviations, precisionOf} from '../../../parity.js';
import {deviationsTogether} from '../../../parity-together.js';
import type {Precision} from '../../../precision.js';
import {leaveMatrixUnits} from './dispatcher.js';
import {isLost} from './lost-device.js';
import {asRecorder} from './recorder.js';

let replaced = 0;

/** Grows when a kernel is taken out of use: what was recorded before would still run it. */
export function replacedKernels(): number {
  return replaced;
}

const checked = new WeakMap<object, Set<string>>();

/** What a kernel is asked for: the forward pass alone, or gradients too, or several calls at once; with which attributes. */
interface KernelUse {
  readonly role: KernelRole;
  readonly attrs: Attributes;
}

/** Schedules the check of an op's kernel at its first use on a backend instance, one for each precision. */
export function checkAtFirstUse(op: OpDefinition, {role, attrs}: KernelUse, instance: object): void {
  const precision = precisionOf(attrs);
  const name = `${op.name} ${precision} ${role}`;
  let names = checked.get(instance);
  if (names === undefined) {
    names = new Set();
    checked.set(instance, names);
  }
  if (names.has(name)) return;
  names.add(name);
  // The check of a gradient runs forward, too.
  if (role === 'backward') names.add(`${op.name} ${precision} forward`);
  const check = new Promise<void>(resolve => {
    setTimeout(() => {
      if (getBackend() !== 'webgpu') names.delete(name);
      resolve(getBackend() === 'webgpu' ? checkKernel(op, {precision, role}).then(() => {}) : undefined);
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

/** The case with which an op is checked in a precision; undefined without one. */
export function caseToCheck(op: OpDefinition, precision: Precision): OpCase<Attributes> | undefined {
  const size = ({dims}: OpCase<Attributes>): number => Object.values(dims).reduce((a, b) => a * (b + 1), 1);
  const cases = casesOf(op, 'test')
    .filter(({attrs}) => precisionOf(attrs) === precision)
    .sort((a, b) => size(a) - size(b));
  return cases.at(precision === 'float32' ? 0 : -1);
}

function deviationsOf(op: OpDefinition, chosen: OpCase<Attributes>, role: KernelRole): Promise<Deviation[]> {
  if (role !== 'together') return deviations(op, chosen, {gradients: role === 'backward'});
  const sizes = casesOf(op, 'test').map(({dims}) => dims);
  return deviationsTogether(op, chosen, sizes);
}

/** Milliseconds in which a device that fails is known to be lost. */
const NEWS_OF_LOSS = 250;

/**
 * Whether the op's kernels agree with its definition, `forward` alone, both, or that of calls made together; where not, they are taken out of use with a
 * warning: those on matrix units for those without, which are checked in turn. A device that was lost meanwhile, or a backend that was left, says nothing of them.
 */
export async function checkKernel(
  op: OpDefinition,
  {precision = 'float32', role = 'backward'}: {precision?: Precision; role?: KernelRole} = {},
): Promise<boolean> {
  const chosen = caseToCheck(op, precision);
  if (chosen === undefined) return true;
  const asked = backend();
  let fault: string | undefined;
  try {
    const found = await deviationsOf(op, chosen, role);
    const off = found.find(({isWithin}) => !isWithin);
    if (off !== undefined) fault = `${off.quantity} is off by ${off.error.toExponential(1)} (RMS-relative)`;
  } catch (error) {
    fault = error instanceof Error ? error.message : String(error);
  }
  if (fault === undefined) return true;
  if ((await isLost(asRecorder(asked).device, NEWS_OF_LOSS)) || backend() !== asked) return true;
  const failed = `bmojo: ${op.name}${precision === 'float32' ? '' : ` in ${precision}`} fails its self-check on this GPU`;
  replaced++;
  if (precision !== 'float32' && leaveMatrixUnits(op, asked)) {
    console.warn(`${failed} (${fault}); it computes without matrix units from now on, slower`);
    await checkKernel(op, {precision, role});
    return false;
  }
  if (role === 'together') {
    console.warn(
      `${failed} (${fault}) where several calls are made at once; they go one by one from now on, slower`,
    );
    unregisterKernel(kernelName(op, role), 'webgpu');
    return false;
  }
  console.warn(`${failed} (${fault}); it runs composed from now on, slower`);
  unregisterKernel(kernelName(op, 'forward'), 'webgpu');
  if (getKernel(kernelName(op, 'together'), 'webgpu') !== undefined)
    unregisterKernel(kernelName(op, 'together'), 'webgpu');
  if (op.backward !== undefined) unregisterKernel(kernelName(op, 'backward'), 'webgpu');
  return false;
}
