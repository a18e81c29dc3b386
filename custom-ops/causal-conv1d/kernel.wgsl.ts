// causalConv1d on the GPU: walks over stretches of tokens, forwards for the results, and forwards again for all gradients: a
// token's cotangent before the activation meets the inputs that its sum had and the cotangents before it. Sums for the weight
// leave a stretch as parts, added in a fixed order.

import type {GpuKernel, Pass, Plan} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {rowSumPass} from '../wgsl/reduce.js';
import type {CausalConvAttributes} from './attributes.js';
import type {ConvRequest, Walk} from './walk.wgsl.js';
import {
  beginWindow,
  moveOn,
  placeOfThread,
  sequence,
  sumOfTaps,
  sumReads,
  THREADS,
  walkHead,
  walkOf,
} from './walk.wgsl.js';

function forward(request: ConvRequest): Plan {
  const {dims, attrs, limits} = request;
  const {B, K} = dims;
  const walk = walkOf(dims);
  const states = B * (K - 1) * walk.elements;
  const pass: Pass = {
    name: 'causalConv1d',
    read: sumReads(request, walk),
    write: {y: walk.type, finalState: walk.type},
    workgroups: spread(Math.ceil((walk.threads + states) / THREADS), limits),
    code: `
${walkHead(request, walk)}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * ${THREADS}u + local;
  if (index >= ${walk.threads}u) {
    let place = index - ${walk.threads}u;
    if (place >= ${states}u) { return; }
    let row = place / ELEMENTS;
    let t = i32(TOKENS + row % (TAPS - 1u)) - i32(TAPS) + 1;
    finalState[place] = inputAt(row / (TAPS - 1u), t, place % ELEMENTS);
    return;
  }
  ${placeOfThread}
  ${beginWindow(request, walk)}
  var next = inputAt(batch, start, e);
  for (var t = start; t < stop; t++) {
    let x${K - 1} = next;
    // On its way while this token is computed.
    next = inputAt(batch, t + 1, e);
    ${sumOfTaps(request)}
    y[(batch * TOKENS + u32(t)) * ELEMENTS + e] = sum${attrs.activation === 'silu' ? ' * sigmoid(sum)' : ''};
    ${moveOn('x', K - 1)}
  }
}`,
  };
  return {passes: [pass]};
}

/** Gradients of the inputs, and parts [stretches, K + 1, E] of those of weight and bias, the last row of each for the bias. */
function gradientsPass(request: ConvRequest, walk: Walk): Pass {
  const {
    dims: {K},
    attrs,
    present,
    limits,
  } = request;
  const {type} = walk;
  const hasState = present.has('initialState');
  const newest = K - 1;
  const each = (text: (j: number) => string): string => sequence(K).map(text).join(' ');
  const slope = attrs.activation === 'silu' ? ' * s * (1.0 + sum * (1.0 - s))' : '';
  return {
    name: 'causalConv1d gradients',
    read: {...sumReads(request, walk), gradY: type, gradFinalState: type},
    write: {gradX: type, ...(hasState ? {gradInitialState: type} : {}), parts: type},
    workgroups: spread(Math.ceil(walk.threads / THREADS), limits),
    code: `
${walkHead(request, walk)}
fn cotangentAt(batch: u32, t: i32, e: u32) -> ${type} {
  return gradY[(batch * TOKENS + min(u32(t), TOKENS - 1u)) * ELEMENTS + e];
}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * ${THREADS}u + local;
  if (index >= ${walk.threads}u) { return; }
  ${placeOfThread}
  ${beginWindow(request, walk)}
  ${sequence(K - 1)
    .map(j => `var g${j} = ${type}();`)
    .join(' ')}
  ${each(j => `var sum${j} = ${type}();`)}
  var sumBias = ${type}();
  var nextX = inputAt(batch, start, e);
  var nextCotangent = cotangentAt(batch, start, e);
  for (var t = start; t < stop + i32(TAPS) - 1; t++) {
    let x${newest} = nextX;
    let cotangent = nextCotangent;
    // On their way while this token is computed.
    nextX = inputAt(batch, t + 1, e);
    nextCotangent = cotangentAt(batch, t + 1, e);
    ${
      attrs.activation === 'silu'
        ? `${sumOfTaps(request)}
    let s = sigmoid(sum);`
        : ''
    }
    let g${newest} = select(${type}(), cotangent${slope}, t < i32(TOKENS));
    if (t < stop) {
      ${each(j => `sum${j} += g${newest} * x${j};`)}
      sumBias += g${newest};
    }
    let to = t - i32(TAPS) + 1;
    if (to >= start${hasState ? ' || start == 0' : ''}) {
      var total = ${type}();
      ${each(j => `total += g${j} * weight${newest - j};`)}
      let kept = to - i32(TOKENS) + i32(TAPS) - 1;
      if (kept >= 0) { total += gradFinalState[(batch * (TAPS - 1u) + u32(kept)) * ELEMENTS + e]; }
      ${
        hasState
          ? `if (to < 0) { gradInitialState[(batch * (TAPS - 1u) + u32(to + i32(TAPS) - 1)) * ELEMENTS + e] = total; }
      else { gradX[(batch * TOKENS + u32(to)) * ELEMENTS + e] = total; }`
          : 'gradX[(batch * TOKENS + u32(to)) * ELEMENTS + e] = total;'
      }
    }
    ${moveOn('x', newest)}
    ${moveOn('g', newest)}
  }
  let part = index / ELEMENTS * ${K + 1}u;
  ${each(j => `parts[(part + ${j}u) * ELEMENTS + e] = sum${j};`)}
  parts[(part + ${K}u) * ELEMENTS + e] = sumBias;
}`,
  };
}

function backward(request: ConvRequest): Plan {
  const {dims, present, limits} = request;
  const {B, E, K} = dims;
  const walk = walkOf(dims);
  const rows = B * walk.stretches;
  const hasBias = present.has('bias');
  return {
    scratch: {parts: rows * (K + 1) * E},
    passes: [
      gradientsPass(request, walk),
      rowSumPass(
        {
          name: 'causalConv1d gradient of weight',
          from: 'parts',
          rows,
          columns: (K + 1) * E,
          write: {gradWeight: 'f32', ...(hasBias ? {gradBias: 'f32'} : {})},
          store: `if (column < ${K * E}u) { gradWeight[column] = total; }
    ${hasBias ? `else { gradBias[column - ${K * E}u] = total; }` : ''}`,
        },
        limits,
      ),
    ],
  };
}

export const causalConv1dGpu: GpuKernel<CausalConvAttributes> = {forward, backward};
