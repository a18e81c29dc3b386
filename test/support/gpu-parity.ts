// The laws of every kernel on WebGPU, on poisoned buffers, in parts that run at the same time: on a software GPU nearly all
// the time goes into compiling shaders.

import type {Attributes, OpCase, OpDefinition} from '../../custom-ops/op.js';
import {opList} from '../../custom-ops/op-list.js';
import {casesOf, precisionOf} from '../../custom-ops/parity.js';
import {precisions} from '../../custom-ops/precision.js';
import {casesOfEveryLine} from './every-line.js';
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

/**
 * Every case in float32. Kernels of other precisions are float32's with factors rounded as they are stored into a tile, or float32's
 * themselves: of each as many cases as hold all lines of its kernels, those of odd borders among them. That the rounding is right
 * for every number, and touches nothing else, halves.test.ts and ssd-blocks.test.ts hold.
 */
function casesOnGpu(op: OpDefinition): OpCase<Attributes>[] {
  const cases = casesOf(op, 'test');
  return precisions.flatMap(precision => {
    const own = cases.filter(({attrs}) => precisionOf(attrs) === precision);
    return precision === 'float32' ? own : casesOfEveryLine(op, own);
  });
}

/** The tests of one part, or of all ops that are in none. */
export function gpuParityTests(part: Part | 'others'): void {
  const names: readonly string[] = part === 'others' ? [] : parts[part];
  const ops = opList.filter(({name}) =>
    part === 'others' ? !elsewhere.includes(name) : names.includes(name),
  );
  describe(`kernel parity on webgpu: ${part}`, function () {
    this.timeout(300_000);
    onPoisonedBuffers();
    parityTests('kernel', ops, casesOnGpu);
    leftResultTests('kernel', ops);
  });
}
