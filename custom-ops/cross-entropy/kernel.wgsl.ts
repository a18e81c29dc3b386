// crossEntropy on the GPU: a group of lanes for each row.

import {elementwisePass} from '../wgsl/elementwise.js';
import {nanByBits} from '../wgsl/maths.js';
import type {GpuKernel, Plan, PlanRequest} from '../wgsl/plan.js';
import {constants, powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {laneReductions, subgroupUse} from '../wgsl/reduce.js';
import type {CrossEntropyAttributes} from './attributes.js';

const THREADS = 256;

function forward({dims: {R, V}, attrs, limits}: PlanRequest<CrossEntropyAttributes>): Plan {
  const lanes = Math.min(powerOfTwo(V), 64);
  const perGroup = THREADS / lanes;
  return {
    passes: [
      {
        name: 'crossEntropy',
        read: {logits: 'f32', labels: 'i32'},
        write: {losses: 'f32', logSumExp: 'f32'},
        workgroups: spread(Math.ceil(R / perGroup), limits),
        ...subgroupUse(limits),
        code: `
${constants({ROWS: R, CLASSES: V, LANES: lanes})}
${laneReductions(lanes, THREADS, limits)}
${nanByBits}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let row = workgroup * ${perGroup}u + local / LANES;
  let lane = local % LANES;
  let start = row * CLASSES;
  let end = select(start, start + CLASSES, row < ROWS);
  var largest = -3.0e38;
  var undefinedOnes = 0.0;
  for (var i = start + lane; i < end; i += LANES) {
    largest = max(largest, logits[i]);
    undefinedOnes += select(0.0, 1.0, isNaN(logits[i]));
  }
  let peak = maximumOverLanes(largest, local);
  var exponentials = 0.0;
  for (var i = start + lane; i < end; i += LANES) { exponentials += exp(logits[i] - peak); }
  let total = sumOverLanes(exponentials, local);
  let level = nanUnless(sumOverLanes(undefinedOnes, local) == 0.0, log(total));
  if (lane == 0u && row < ROWS) {
    logSumExp[row] = peak + level;
    let label = labels[row];
    let known = clamp(label, 0, i32(CLASSES) - 1);
    let loss = nanUnless(known == label, peak - logits[start + u32(known)] + level);
    losses[row] = select(loss, 0.0, label == ${attrs.ignoreIndex});
  }
}`,
      },
    ],
  };
}

function backward({dims: {R, V}, attrs, limits}: PlanRequest<CrossEntropyAttributes>): Plan {
  return {
    passes: [
      elementwisePass(
        {
          name: 'crossEntropy gradient',
          read: {logits: 'f32', labels: 'i32', logSumExp: 'f32', gradLosses: 'f32'},
          write: {gradLogits: 'f32'},
          count: R * V,
          declarations: nanByBits,
          body: `
  let row = index / ${V}u;
  let label = labels[row];
  let probability = exp(min(logits[index] - logSumExp[row], 0.0));
  let slope = gradLosses[row] * (probability - select(0.0, 1.0, i32(index % ${V}u) == label));
  let gradient = nanUnless(!isNaN(logSumExp[row]), slope);
  gradLogits[index] = select(gradient, 0.0, label == ${attrs.ignoreIndex});`,
        },
        limits,
      ),
    ],
  };
}

export const crossEntropyGpu: GpuKernel<CrossEntropyAttributes> = {forward, backward};
