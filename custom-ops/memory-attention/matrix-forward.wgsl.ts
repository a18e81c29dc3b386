// memoryAttention forward on matrix units. Sums stay in their matrices, where lanes cannot rescale them by rows: a row's
// weights are counted from the maximum of the first tile that it sees, and a block in which that turns out to be far too
// low is walked again with the true one.

import type {Pass} from '../wgsl/plan.js';
import type {AttentionRequest, Geometry} from './geometry.wgsl.js';
import {loadRow, rowBindings, storeRow} from './geometry.wgsl.js';
import {hide, queryWalkPass} from './matrix-queries.wgsl.js';
import {packedRows} from './matrix-rows.wgsl.js';
import type {MatrixBlock} from './matrix-team.js';
import {matrixTeam} from './matrix-team.js';
import type {MatrixWalk} from './matrix-walk.wgsl.js';
import {seenValues} from './seen-values.wgsl.js';

/** Binary logarithm of the largest weight: float16 holds it, and float32 sums of such. */
const HEADROOM = 15;
const HIDDEN = '-1e30';
/** Reference of a row that has seen nothing; all others are above SEEN. */
const UNSEEN = '-1e29';
const SEEN = '-1e28';

const blocks: readonly MatrixBlock[] = [
  {subgroups: 4, matrices: 1, tile: 32},
  {subgroups: 8, matrices: 1, tile: 16},
  {subgroups: 4, matrices: 1, tile: 16},
  {subgroups: 2, matrices: 1, tile: 16},
];

const maximum = (a: string, b: string): string => `max(${a}, ${b})`;
const sum = (a: string, b: string): string => `${a} + ${b}`;

function lanes(walk: MatrixWalk): string {
  return walk.eachMatrix(
    i => `{
      var newest = f32(${UNSEEN});
      ${walk.eachQuad((n, quad) => `var s${n} = ${walk.lines('scores').read(`line${i}`, quad)};`)}
      ${hide(walk, 's', i, HIDDEN)}
      ${walk.eachQuad(n => `newest = max(newest, max(max(s${n}.x, s${n}.y), max(s${n}.z, s${n}.w)));`)}
      ${walk.overSharers('newest', maximum)}
      peak${i} = select(peak${i}, newest, peak${i} < ${SEEN});
      highest${i} = max(highest${i}, newest);
      let reference = select(peak${i}, 0.0, peak${i} < ${SEEN});
      ${walk.eachQuad((n, quad) => `s${n} = exp2(s${n} - reference); total${i} += (s${n}.x + s${n}.y) + (s${n}.z + s${n}.w); ${walk.lines('weights').write(`line${i}`, quad, `s${n}`)}`)}
    }`,
  );
}

/** Undefined where the request is better off without, or the device has no units for it. */
export function matrixForwardPass(request: AttentionRequest, g: Geometry): Pass | undefined {
  const {Dh} = g;
  const needs = {precision: request.attrs.precision, Dh, rows: Math.min(g.w, g.L)};
  const team = matrixTeam(blocks, {owners: 1, tiles: 3, products: 1, weights: 1}, needs, request.limits);
  if (team === undefined) return undefined;
  return queryWalkPass(request, g, team, {
    name: 'memoryAttention in matrices',
    read: rowBindings(['q'], Dh),
    write: {...rowBindings(['out'], Dh), logSumExp: 'f32'},
    tiles: [
      {name: 'tileK', use: 'products', from: 'keyRows'},
      {name: 'tileV', use: 'sums', from: 'valueRows'},
    ],
    owners: {ownQ: (i, quad) => loadRow('q', `queryRow${i}`, quad, Dh)},
    products: {scores: ['ownQ', 'tileK']},
    sums: {sum: ['weights', 'tileV']},
    // As long as what matrices are read from is aligned to: behind a word, drivers would place the rest askew.
    declarations: `
var<workgroup> rises: vec4u;
${seenValues(g, request.attrs, packedRows(g, team.unit.factor))}`,
    before: walk =>
      walk.eachMatrix(
        i => `var peak${i} = f32(${UNSEEN}); var highest${i} = f32(${UNSEEN}); var total${i} = 0.0;`,
      ),
    lanes,
    again: {
      before: walk => walk.eachMatrix(i => `total${i} = 0.0;`),
      after: walk => `
    ${walk.eachMatrix(i => `if (highest${i} > peak${i} + ${HEADROOM}.0) { rises.x = 1u; }`)}
    if (workgroupUniformLoad(&rises).x == 0u) { break; }
    ${walk.eachMatrix(i => `peak${i} = highest${i};`)}`,
    },
    after: walk => `
  ${walk.eachMatrix(i => `${walk.overSharers(`total${i}`, sum)} let normaliser${i} = 1.0 / total${i};`)}
  ${walk.deliver('sum', i => `if (isRow${i}) { let own = finiteOrSeen(value, batch, chunk, head, query${i}, quad, peak${i}, normaliser${i}); ${storeRow('out', `queryRow${i}`, 'quad', `(normaliser${i} * own)`, Dh)} }`)}
  ${walk.eachMatrix(i => `if (isRow${i} && side == 0u) { logSumExp[queryRow${i}] = ${Math.LN2}f * (peak${i} + log2(total${i})); }`)}`,
  });
}
