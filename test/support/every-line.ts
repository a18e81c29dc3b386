// The fewest cases of an op whose kernels on WebGPU hold every line that those of all cases hold, where numbers in a line do not
// count. They show that another compiler takes our WGSL and computes the same; whether results are right in every shape is asked
// where all cases run.

import {gpuKernels} from '../../custom-ops/backends/webgpu/kernels.generated.js';
import type {Attributes, OpCase, OpDefinition} from '../../custom-ops/op.js';
import {gradName} from '../../custom-ops/op.js';
import {casesOf} from '../../custom-ops/parity.js';
import {caseDims} from '../../custom-ops/sampling.js';
import type {GpuKernel, Pass} from '../../custom-ops/wgsl/plan.js';
import {renderPass} from '../../custom-ops/wgsl/plan.js';
import {software} from './devices.js';

/** The passes of a case, forward and backward. */
function passesOf(op: OpDefinition, opCase: OpCase<Attributes>, kernel: GpuKernel): readonly Pass[] {
  const {dynamic = []} = kernel;
  const inputs = Object.keys(op.inputs).filter(name => opCase.omit?.includes(name) !== true);
  const outputs = Object.keys(op.outputs);
  const request = {
    dims: caseDims(op, opCase),
    attrs: Object.fromEntries(Object.entries(opCase.attrs).filter(([name]) => !dynamic.includes(name))),
    limits: software,
  };
  const forward = kernel.forward({...request, present: new Set(inputs), wanted: new Set(outputs)});
  if (op.backward === undefined || kernel.backward === undefined) return forward.passes;
  const gradients = inputs.filter(name => op.inputs[name].differentiable).map(gradName);
  const backward = kernel.backward({
    ...request,
    present: new Set([...inputs, ...outputs, ...outputs.map(gradName)]),
    wanted: new Set(gradients),
  });
  return [...forward.passes, ...backward.passes];
}

/** The statements of a pass without their numbers, behind its name. */
function linesOf(pass: Pass): string[] {
  return renderPass(pass)
    .split(/[\n;{}]/)
    .map(line => `${pass.name}: ${line.trim().replace(/\d+/g, '#')}`);
}

/** Cases in the order in which they were chosen: each time the one with the most new lines for the code that it compiles. */
export function casesOfEveryLine(op: OpDefinition): OpCase<Attributes>[] {
  const kernel = gpuKernels[op.name];
  const cases = casesOf(op, 'test');
  if (kernel === 'composed') return cases.slice(0, 1);
  const left = cases.map(opCase => {
    const passes = passesOf(op, opCase, kernel);
    const lines = new Set(passes.flatMap(linesOf));
    return {opCase, lines, length: passes.reduce((sum, {code}) => sum + code.length, 0)};
  });
  const chosen: OpCase<Attributes>[] = [];
  for (;;) {
    const [best] = left.toSorted((a, b) => b.lines.size / b.length - a.lines.size / a.length);
    if (best.lines.size === 0) return chosen;
    chosen.push(best.opCase);
    const known = [...best.lines];
    for (const {lines} of left) for (const line of known) lines.delete(line);
  }
}
