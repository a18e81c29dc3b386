// Gradients of memoryAttention's queries on matrix units: the forward walk, with the weights known by the normaliser.

import type {Pass} from '../wgsl/plan.js';
import {floatLiteral} from '../wgsl/plan.js';
import type {AttentionRequest, Geometry} from './geometry.wgsl.js';
import {loadRow, rowBindings, storeRow} from './geometry.wgsl.js';
import {hide, queryWalkPass} from './matrix-queries.wgsl.js';
import type {MatrixBlock} from './matrix-team.js';
import {matrixTeam} from './matrix-team.js';

/** Binary logarithm by which weights are larger than they are: small ones, too, have all digits of float16. */
export const LIFT = 8;
/** WGSL that takes it out of a sum again. */
export const lowered = floatLiteral(2 ** -LIFT);

const blocks: readonly MatrixBlock[] = [
  {subgroups: 4, matrices: 1, tile: 16},
  {subgroups: 2, matrices: 1, tile: 16},
];

/** Undefined where the request is better off without, or the device has no units for it. */
export function matrixQueryGradientPass(request: AttentionRequest, g: Geometry): Pass | undefined {
  const {Dh} = g;
  const needs = {precision: request.attrs.precision, Dh, rows: Math.min(g.w, g.L)};
  const team = matrixTeam(blocks, {owners: 2, tiles: 3, products: 2, weights: 1}, needs, request.limits);
  if (team === undefined) return undefined;
  return queryWalkPass(request, g, team, {
    name: 'memoryAttention gradients of queries in matrices',
    read: {...rowBindings(['q', 'gradOut'], Dh), logSumExp: 'f32', outDots: 'f32'},
    write: rowBindings(['gradQ'], Dh),
    tiles: [
      {name: 'tileK', use: 'both', from: 'keyRows'},
      {name: 'tileV', use: 'products', from: 'valueRows'},
    ],
    owners: {
      ownQ: (i, quad) => loadRow('q', `queryRow${i}`, quad, Dh),
      ownG: (i, quad) => loadRow('gradOut', `queryRow${i}`, quad, Dh),
    },
    products: {scores: ['ownQ', 'tileK'], gains: ['ownG', 'tileV']},
    sums: {gradient: ['slopes', 'tileK']},
    before: walk =>
      walk.eachMatrix(
        i =>
          `let level${i} = ${Math.LOG2E}f * logSumExp[queryRow${i}] - ${LIFT}.0; let outDot${i} = outDots[queryRow${i}];`,
      ),
    lanes: walk =>
      walk.eachMatrix(
        i => `{
      ${walk.eachQuad((n, quad) => `var slope${n} = exp2(min(${walk.lines('scores').read(`line${i}`, quad)} - level${i}, vec4f(${LIFT}.0))) * (${walk.lines('gains').read(`line${i}`, quad)} - outDot${i});`)}
      ${hide(walk, 'slope', i, '0.0')}
      ${walk.eachQuad((n, quad) => walk.lines('slopes').write(`line${i}`, quad, `slope${n}`))}
    }`,
      ),
    after: walk =>
      walk.deliver(
        'gradient',
        i =>
          `if (isRow${i}) { ${storeRow('gradQ', `queryRow${i}`, 'quad', `(${lowered} * ${Math.LN2}f * value)`, Dh)} }`,
      ),
  });
}
