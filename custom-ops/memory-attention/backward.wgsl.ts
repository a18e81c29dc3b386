// memoryAttention backward: gradients of queries by query blocks, of rows by key blocks; those of stored rows first for
// each chunk's slots, then added to their rows along the chain of slots.

import type {Pass, Plan} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {AttentionRequest, Geometry} from './geometry.wgsl.js';
import {geometry, loadRow, rowBindings, storeRow, unroll} from './geometry.wgsl.js';
import {keyPasses, linkPasses} from './key-blocks.wgsl.js';
import {queryBlockPass} from './query-blocks.wgsl.js';

const KEYS = 4;

/** `outDots` [B, L, H]: the product of output and cotangent of each query and head. */
function outDotsPass(request: AttentionRequest, g: Geometry): Pass {
  const count = g.B * g.L * g.H;
  return {
    name: 'memoryAttention products of output and cotangent',
    read: rowBindings(['out', 'gradOut'], g.Dh),
    write: {outDots: 'f32'},
    workgroups: spread(Math.ceil(count / 64), request.limits),
    code: `
@compute @workgroup_size(64)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let row = workgroup * 64u + local;
  if (row >= ${count}u) { return; }
  var total = 0.0;
  for (var v = 0u; v < ${g.vectors}u; v++) {
    total += dot(${loadRow('out', 'row', 'v', g.Dh)}, ${loadRow('gradOut', 'row', 'v', g.Dh)});
  }
  outDots[row] = total;
}`,
  };
}

function queryPass(request: AttentionRequest, g: Geometry): Pass {
  const {vectors, Dh} = g;
  return queryBlockPass(request, g, {
    name: 'memoryAttention gradients of queries',
    read: {...rowBindings(['q', 'gradOut'], Dh), logSumExp: 'f32', outDots: 'f32'},
    write: rowBindings(['gradQ'], Dh),
    begin: `
  ${unroll(vectors, v => `let q${v} = SCALE * ${loadRow('q', 'queryRow', `${v}u`, Dh)};`)}
  ${unroll(vectors, v => `let g${v} = ${loadRow('gradOut', 'queryRow', `${v}u`, Dh)}; var d${v} = vec4f();`)}
  let level = logSumExp[queryRow];
  let outDot = outDots[queryRow];`,
    keys: `
      let at = key * ${vectors}u;
      ${unroll(KEYS, j => `var s${j} = 0.0; var p${j} = 0.0;`)}
      ${unroll(vectors, v => unroll(KEYS, j => `s${j} += dot(q${v}, tileK[at + ${j * vectors + v}u]); p${j} += dot(g${v}, tileV[at + ${j * vectors + v}u]);`))}
      ${unroll(KEYS, j => `s${j} = select(0.0, exp(s${j} - level), isSeen(key + ${j}u, lowest, highest)) * (p${j} - outDot);`)}
      ${unroll(vectors, v => `d${v} += ${Array.from({length: KEYS}, (_, j) => `s${j} * tileK[at + ${j * vectors + v}u]`).join(' + ')};`)}`,
    batch: KEYS,
    end: unroll(vectors, v => storeRow('gradQ', 'queryRow', v, `SCALE * d${v}`, Dh)),
  });
}

export function backward(request: AttentionRequest): Plan {
  const g = geometry(request);
  const storedWords = g.B * g.C * g.me * g.G * g.Dh;
  const {limits} = request;
  return {
    scratch: {
      outDots: g.B * g.L * g.H,
      ...(g.hasEidetic ? {links: g.B * (g.M + g.C * g.me), storedK: storedWords, storedV: storedWords} : {}),
    },
    passes: [
      outDotsPass(request, g),
      queryPass(request, g),
      ...(g.hasEidetic ? [...linkPasses(g, limits), ...keyPasses(request, g, 'stored')] : []),
      ...keyPasses(request, g, 'window'),
      ...(g.hasFading ? keyPasses(request, g, 'fading') : []),
    ],
  };
}
