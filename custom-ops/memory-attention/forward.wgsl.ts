// memoryAttention forward: one streaming softmax for each query and head; scores never leave registers.

import type {Plan} from '../wgsl/plan.js';
import {firstThatFits} from '../wgsl/scratch.js';
import type {AttentionRequest, Geometry} from './geometry.wgsl.js';
import {geometry, loadRow, rowBindings, storeRow, unroll} from './geometry.wgsl.js';
import {matrixForwardPass} from './matrix-forward.wgsl.js';
import {factorsFor} from './matrix-rows.wgsl.js';
import {oneQueryPlan} from './one-query.wgsl.js';
import {hideUnseen, queryBlockPass} from './query-blocks.wgsl.js';
import {plainRows, seenValues} from './seen-values.wgsl.js';
import type {TeamCode} from './team.wgsl.js';

/** Of a key that is not seen, and of no key yet: less than any score, and their difference is finite. */
const HIDDEN = '-1e30';
const LOWEST = '-1e29';

const maximum = (a: string, b: string): string => `max(${a}, ${b})`;
const sum = (a: string, b: string): string => `${a} + ${b}`;

/** Scores are powers of two, which cost less than exponentials; the logarithm is natural again. */
function code(team: TeamCode, {Dh, vectors}: Geometry): {begin: string; keys: string; end: string} {
  // Rare after the first keys, and a tenth of the work of the rest.
  const fade = `
        let fade = exp2(peak - newPeak);
        total *= fade;
        ${team.eachRow(r => `{ let fadeOfRow = ${team.from('fade', r)}; ${Array.from({length: team.spans}, (_, c) => `o${r}_${c} *= fadeOfRow;`).join(' ')} }`)}`;
  return {
    begin: `
  ${team.eachVector((r, c) => `let q${r}_${c} = ${Math.LOG2E}f * SCALE * ${loadRow('q', `queryRow${r}`, team.vector(c), Dh, team.width)}; var o${r}_${c} = vec4f();`)}
  var peak = f32(${LOWEST});
  var total = 0.0;`,
    keys: `
      ${team.multiply('s', 'q', 'tileK')}
      var newPeak = peak;
      ${hideUnseen(team, HIDDEN)}
      ${team.eachScore(i => `newPeak = max(newPeak, s${i});`)}
      ${team.overSharers('newPeak', maximum)}
      ${team.ifAny('newPeak > peak', fade)}
      peak = newPeak;
      ${team.eachScore(i => `s${i} = exp2(s${i} - peak); total += s${i};`)}
      ${team.accumulate('o', 's', 'tileV')}`,
    end: `
  ${team.overSharers('total', sum)}
  let normaliser = 1.0 / total;
  ${team.eachRow(r => `let normaliser${r} = ${team.from('normaliser', r)};`)}
  ${team.eachRow(r => `let peak${r} = ${team.from('peak', r)};`)}
  ${team.eachRow(
    r =>
      `if (isRow${r}) { ${unroll(
        team.spans,
        c =>
          `{ let sum = finiteOrSeen(o${r}_${c}, batch, chunk, head${r}, query${r}, min(${team.vector(c)}, ${vectors - 1}u), peak${r}, normaliser${r}); ${storeRow('out', `queryRow${r}`, team.vector(c), `(sum * normaliser${r})`, Dh, team.width)} }`,
      )} }`,
  )}
  if (isOwn && ownFirst == 0u) { logSumExp[ownQueryRow] = ${Math.LN2}f * (peak + log2(total)); }`,
  };
}

/** Undefined where the request is better off without matrix units, or the device has none for it. */
function inMatricesPlan(request: AttentionRequest, g: Geometry): Plan | undefined {
  const inMatrices = matrixForwardPass(request, g);
  if (inMatrices === undefined) return undefined;
  const {passes, scratch} = factorsFor(request, g, [inMatrices]);
  return {passes: [...passes, inMatrices], scratch};
}

/** The form that needs no temporary buffers. */
function inBlocksPlan(request: AttentionRequest, g: Geometry): Plan {
  const {Dh} = g;
  return {
    passes: [
      queryBlockPass(request, g, {
        name: 'memoryAttention',
        read: rowBindings(['q'], Dh),
        write: {...rowBindings(['out'], Dh), logSumExp: 'f32'},
        kept: 2,
        batch: g.vectors > 8 ? 4 : 8,
        declarations: seenValues(g, request.attrs, plainRows(g)),
        code: team => code(team, g),
      }),
    ],
  };
}

export function forward(request: AttentionRequest): Plan {
  const g = geometry(request);
  const inBlocks = (): Plan => inBlocksPlan(request, g);
  const quicker = oneQueryPlan(request, g) ?? inMatricesPlan(request, g);
  return quicker === undefined ? inBlocks() : firstThatFits(request.limits, quicker, inBlocks);
}
