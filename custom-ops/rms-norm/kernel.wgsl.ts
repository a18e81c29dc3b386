// rmsNorm on the GPU: a group of lanes for each token; the gain's gradient as sums over blocks of tokens.

import type {GpuKernel, Plan, PlanRequest} from '../wgsl/plan.js';
import {constants, powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {laneReductions, rowSumPass, subgroupUse} from '../wgsl/reduce.js';
import type {RmsNormAttributes} from './attributes.js';

const THREADS = 256;
/** Tokens whose contributions to the gain's gradient one workgroup adds up. */
const BLOCK = 256;

/** Lanes for each token and the shared head of both directions' code. */
function layout({dims: {B, L, D}, limits}: PlanRequest<RmsNormAttributes>) {
  const lanes = Math.min(powerOfTwo(D), 64);
  const perGroup = THREADS / lanes;
  const head = `
${constants({ROWS: B * L, WIDTH: D, LANES: lanes})}
${laneReductions(lanes, THREADS, limits)}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let row = workgroup * ${perGroup}u + local / LANES;
  let lane = local % LANES;
  let start = row * WIDTH;
  let end = select(start, start + WIDTH, row < ROWS);`;
  return {head, workgroups: spread(Math.ceil((B * L) / perGroup), limits), ...subgroupUse(limits)};
}

function forward(request: PlanRequest<RmsNormAttributes>): Plan {
  const {head, ...rest} = layout(request);
  return {
    passes: [
      {
        name: 'rmsNorm',
        read: {x: 'f32', gain: 'f32'},
        write: {y: 'f32', inverseRms: 'f32'},
        ...rest,
        code: `${head}
  var squares = 0.0;
  for (var i = start + lane; i < end; i += LANES) { squares += x[i] * x[i]; }
  let scale = 1.0 / sqrt(sumOverLanes(squares, local) / f32(WIDTH) + f32(${request.attrs.epsilon}));
  for (var i = start + lane; i < end; i += LANES) { y[i] = x[i] * scale * gain[i - start]; }
  if (lane == 0u && row < ROWS) { inverseRms[row] = scale; }
}`,
      },
    ],
  };
}

function backward(request: PlanRequest<RmsNormAttributes>): Plan {
  const {B, L, D} = request.dims;
  const {head, ...rest} = layout(request);
  const blocks = Math.ceil((B * L) / BLOCK);
  const columns = Math.min(powerOfTwo(D), 64);
  const tiles = Math.ceil(D / columns);
  return {
    scratch: {partials: blocks * D},
    passes: [
      {
        name: 'rmsNorm gradX',
        read: {x: 'f32', gain: 'f32', inverseRms: 'f32', gradY: 'f32'},
        write: {gradX: 'f32'},
        ...rest,
        code: `${head}
  let scale = inverseRms[min(row, ROWS - 1u)];
  var products = 0.0;
  for (var i = start + lane; i < end; i += LANES) { products += gradY[i] * gain[i - start] * x[i]; }
  let projection = sumOverLanes(products, local) * scale * scale / f32(WIDTH);
  for (var i = start + lane; i < end; i += LANES) {
    gradX[i] = scale * (gradY[i] * gain[i - start] - x[i] * projection);
  }
}`,
      },
      {
        name: 'rmsNorm gradGain by blocks',
        read: {x: 'f32', inverseRms: 'f32', gradY: 'f32'},
        write: {partials: 'f32'},
        workgroups: spread(blocks * tiles, request.limits),
        code: `
${constants({ROWS: B * L, WIDTH: D, TILES: tiles, COLUMNS: columns, GROUPS: blocks * tiles})}
var<workgroup> sums: array<f32, ${THREADS}>;
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= GROUPS) { return; }
  let block = workgroup / TILES;
  let column = (workgroup % TILES) * COLUMNS + local % COLUMNS;
  let end = min(ROWS, (block + 1u) * ${BLOCK}u);
  var total = 0.0;
  if (column < WIDTH) {
    for (var row = block * ${BLOCK}u + local / COLUMNS; row < end; row += ${THREADS / columns}u) {
      total += gradY[row * WIDTH + column] * x[row * WIDTH + column] * inverseRms[row];
    }
  }
  sums[local] = total;
  workgroupBarrier();
  if (local < COLUMNS && column < WIDTH) {
    for (var part = local + COLUMNS; part < ${THREADS}u; part += COLUMNS) { total += sums[part]; }
    partials[block * WIDTH + column] = total;
  }
}`,
      },
      rowSumPass(
        {
          name: 'rmsNorm gradGain',
          from: 'partials',
          rows: blocks,
          columns: D,
          write: {gradGain: 'f32'},
          store: 'gradGain[column] = total;',
        },
        request.limits,
      ),
    ],
  };
}

export const rmsNormGpu: GpuKernel<RmsNormAttributes> = {forward, backward};
