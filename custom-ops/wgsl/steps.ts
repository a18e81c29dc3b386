// Equal steps of a computation, one behind the other.

import type {GpuLimits} from './plan.js';

/**
 * WGSL of `count` steps, each made of the WGSL of its number: written out, so that places are constants and nothing is checked, or a
 * loop where long code takes long to compile.
 */
export function steps(
  count: number,
  {loops = false}: Pick<GpuLimits, 'loops'>,
  step: (number: string) => string,
): string {
  if (loops) return `\n    for (var step = 0u; step < ${count}u; step++) {${step('step')}\n    }`;
  return Array.from({length: count}, (_, number) => step(`${number}`)).join('');
}
