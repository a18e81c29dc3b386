// retrievedAttention forward: a running softmax over the places of a query.

import type {Plan, PlanRequest} from '../wgsl/plan.js';
import {floatLiteral} from '../wgsl/plan.js';
import {NO_ROWS} from './no-rows.js';
import {queryPass} from './query-teams.wgsl.js';

/** Peak before any row: less than any score, in powers of two. */
const LOWEST = '-1e29';

/** Scores are powers of two, which cost less than exponentials; the logarithm is natural again. */
export function forward(request: PlanRequest): Plan {
  return {
    passes: [
      queryPass(request, {
        name: 'retrievedAttention',
        writeRows: ['out'],
        write: {logSumExp: 'f32'},
        code: team => ({
          begin: `
  ${team.each(c => `let q${c} = ${Math.LOG2E}f * SCALE * ${team.load('q', 'queryRow', c)}; var o${c} = vec4f();`)}
  var peak = f32(${LOWEST});
  var total = 0.0;
  var isAny = false;`,
          place: `
    var score = 0.0;
    ${team.each(c => `score += dot(q${c}, ${team.loadNamed('k', c)});`)}
    ${team.sum('score')}
    let newPeak = select(peak, max(peak, score), isNamed);
    let fade = exp2(peak - newPeak);
    let weight = select(0.0, exp2(score - newPeak), isNamed);
    peak = newPeak;
    isAny = isAny || isNamed;
    total = total * fade + weight;
    ${team.each(c => `o${c} = o${c} * fade + weight * ${team.loadNamed('v', c)};`)}`,
          end: `
  let normaliser = select(0.0, 1.0 / total, isAny);
  if (isOwn) {
    ${team.each(c => team.store('out', 'queryRow', c, `(o${c} * normaliser)`))}
    if (lane == 0u) { logSumExp[queryRow] = select(${floatLiteral(NO_ROWS)}, ${Math.LN2}f * (peak + log2(total)), isAny); }
  }`,
        }),
      }),
    ],
  };
}
