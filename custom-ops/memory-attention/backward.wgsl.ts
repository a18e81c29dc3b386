// memoryAttention backward: gradients of queries by query blocks, of rows by key blocks; those of stored rows first for
// each chunk's slots, then added to their rows along the chain of slots.

import {presentBindings} from '../wgsl/bindings.js';
import type {Pass, Plan} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {firstThatFits} from '../wgsl/scratch.js';
import type {AttentionRequest, Geometry} from './geometry.wgsl.js';
import {geometry, loadRow, rowBindings, storeRow} from './geometry.wgsl.js';
import type {KeySource} from './key-blocks.wgsl.js';
import {keyPasses} from './key-blocks.wgsl.js';
import {matrixKeyGradientPass} from './matrix-key-gradient.wgsl.js';
import {matrixQueryGradientPass} from './matrix-query-gradient.wgsl.js';
import {factorsFor} from './matrix-rows.wgsl.js';
import {hideUnseen, queryBlockPass} from './query-blocks.wgsl.js';
import {addStoredPass, linkPasses} from './stored-links.wgsl.js';
import type {TeamCode} from './team.wgsl.js';

/** Keys handled in one go. */
const KEYS = 4;

/**
 * `outDots` [B, L, H]: the product of output and cotangent of each query and head, less the cotangent of its logSumExp where
 * there is one: what is taken from each weight's gradient.
 */
function outDotsPass(request: AttentionRequest, g: Geometry): Pass {
  const count = g.B * g.L * g.H;
  return {
    name: 'memoryAttention products of output and cotangent',
    read: {
      ...rowBindings(['out', 'gradOut'], g.Dh),
      ...presentBindings(['gradLogSumExp'], request.present),
    },
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
  outDots[row] = total${request.present.has('gradLogSumExp') ? ' - gradLogSumExp[row]' : ''};
}`,
  };
}

function queryCode(team: TeamCode, Dh: number): {begin: string; keys: string; end: string} {
  const load = (name: string, r: number, c: number): string =>
    loadRow(name, `queryRow${r}`, team.vector(c), Dh, team.width);
  return {
    begin: `
  ${team.eachVector((r, c) => `let q${r}_${c} = SCALE * ${load('q', r, c)}; let g${r}_${c} = ${load('gradOut', r, c)}; var d${r}_${c} = vec4f();`)}
  let level = logSumExp[ownQueryRow];
  let outDot = outDots[ownQueryRow];`,
    keys: `
      ${team.multiply('s', 'q', 'tileK')}
      ${team.multiply('p', 'g', 'tileV')}
      ${team.eachScore(i => `s${i} = exp(min(s${i} - level, 0.0)) * (p${i} - outDot);`)}
      ${hideUnseen(team, '0.0')}
      ${team.accumulate('d', 's', 'tileK')}`,
    end: team.eachVector(
      (r, c) =>
        `if (isRow${r}) { ${storeRow('gradQ', `queryRow${r}`, team.vector(c), `(SCALE * d${r}_${c})`, Dh, team.width)} }`,
    ),
  };
}

function queryPass(request: AttentionRequest, g: Geometry): Pass {
  const {Dh} = g;
  return queryBlockPass(request, g, {
    name: 'memoryAttention gradients of queries',
    read: {...rowBindings(['q', 'gradOut'], Dh), logSumExp: 'f32', outDots: 'f32'},
    write: rowBindings(['gradQ'], Dh),
    kept: 3,
    batch: KEYS,
    code: team => queryCode(team, Dh),
  });
}

function sourcePasses(request: AttentionRequest, g: Geometry, source: KeySource): Pass[] {
  const inMatrices = matrixKeyGradientPass(request, g, source);
  return inMatrices === undefined ? keyPasses(request, g, source) : [inMatrices];
}

export function backward(request: AttentionRequest): Plan {
  const {limits} = request;
  const withoutUnits = {...request, limits: {...limits, matrixUnits: undefined}};
  return firstThatFits(limits, planFor(request), () => planFor(withoutUnits));
}

function planFor(request: AttentionRequest): Plan {
  const g = geometry(request);
  const storedWords = g.B * g.C * g.me * g.G * g.Dh;
  const {limits} = request;
  const passes = [
    outDotsPass(request, g),
    matrixQueryGradientPass(request, g) ?? queryPass(request, g),
    ...(g.hasEidetic ? sourcePasses(request, g, 'stored') : []),
    ...sourcePasses(request, g, 'window'),
    ...(g.hasEidetic ? [...linkPasses(g, limits), addStoredPass(g, limits)] : []),
    ...(g.hasFading ? sourcePasses(request, g, 'fading') : []),
  ];
  const factors = factorsFor(request, g, passes);
  return {
    scratch: {
      ...factors.scratch,
      outDots: g.B * g.L * g.H,
      ...(g.hasEidetic ? {links: g.B * (g.M + g.C * g.me), storedK: storedWords, storedV: storedWords} : {}),
    },
    passes: [...factors.passes, ...passes],
  };
}
