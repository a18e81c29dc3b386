// The laws of every kernel on WebGPU, on poisoned buffers, in parts that run at the same time: on a software GPU nearly all
// the time goes into compiling shaders.

import {opList} from '../../custom-ops/op-list.js';
import {leftResultTests, parityTests} from './kernel-laws.js';
import {onPoisonedBuffers} from './webgpu.js';

/** Ops whose tests take long have files of their own. */
const parts = {
  attention: ['memoryAttention', 'retrievedAttention'],
  products: ['linear', 'linearTransposed'],
  scan: ['selectiveScan'],
  ssd: ['ssdScan'],
} as const;
type Part = keyof typeof parts;

const elsewhere: readonly string[] = Object.values(parts).flat();

/** The tests of one part, or of all ops that are in none. */
export function gpuParityTests(part: Part | 'others'): void {
  const names: readonly string[] = part === 'others' ? [] : parts[part];
  const ops = opList.filter(({name}) =>
    part === 'others' ? !elsewhere.includes(name) : names.includes(name),
  );
  describe(`kernel parity on webgpu: ${part}`, function () {
    this.timeout(300_000);
    onPoisonedBuffers();
    parityTests('kernel', ops);
    leftResultTests('kernel', ops);
  });
}
