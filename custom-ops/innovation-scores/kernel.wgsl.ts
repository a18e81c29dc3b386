// innovationScores on the GPU: a group of lanes for each token.

import type {GpuKernel, Plan, PlanRequest} from '../wgsl/plan.js';
import {constants, powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {laneReductions, subgroupUse} from '../wgsl/reduce.js';
import type {InnovationScoresAttributes} from './attributes.js';

const THREADS = 256;

function forward({dims: {B, L, D}, attrs, limits}: PlanRequest<InnovationScoresAttributes>): Plan {
  const lanes = Math.min(powerOfTwo(D), 64);
  const perGroup = THREADS / lanes;
  return {
    passes: [
      {
        name: 'innovationScores',
        read: {y: 'f32'},
        write: {scores: 'f32'},
        workgroups: spread(Math.ceil((B * L) / perGroup), limits),
        ...subgroupUse(limits),
        code: `
${constants({ROWS: B * L, TOKENS: L, WIDTH: D, LANES: lanes})}
${laneReductions(lanes, THREADS, limits)}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let row = workgroup * ${perGroup}u + local / LANES;
  let lane = local % LANES;
  let stop = select(0u, WIDTH, row < ROWS);
  let steps = min(row % TOKENS, ${attrs.span}u);
  // Weights 2^-1 ... 2^-steps, renormalised to sum 1.
  let first = 0.5 / (1.0 - exp2(-f32(steps)));
  var squares = 0.0;
  for (var i = lane; i < stop; i += LANES) {
    var error = y[row * WIDTH + i];
    var weight = first;
    for (var back = 1u; back <= steps; back++) {
      error -= weight * y[(row - back) * WIDTH + i];
      weight *= 0.5;
    }
    squares += error * error;
  }
  let total = sumOverLanes(squares, local);
  if (lane == 0u && row < ROWS) { scores[row] = sqrt(total); }
}`,
      },
    ],
  };
}

export const innovationScoresGpu: GpuKernel<InnovationScoresAttributes> = {forward};
