// memoryAttention forward: one streaming softmax for each query and head; scores never leave registers.

import type {Plan} from '../wgsl/plan.js';
import type {AttentionRequest} from './geometry.wgsl.js';
import {geometry, loadRow, rowBindings, storeRow, unroll} from './geometry.wgsl.js';
import {queryBlockPass} from './query-blocks.wgsl.js';

const HIDDEN = '-1e30';

export function forward(request: AttentionRequest): Plan {
  const g = geometry(request);
  const {vectors, Dh} = g;
  /** Keys whose scores are in registers at once; wide heads leave fewer registers. */
  const batch = vectors > 8 ? 4 : 8;
  const keys = `
      ${unroll(batch, j => `var s${j} = 0.0;`)}
      {
        let at = key * ${vectors}u;
        ${unroll(vectors, v => unroll(batch, j => `s${j} += dot(q${v}, tileK[at + ${j * vectors + v}u]);`))}
      }
      ${unroll(batch, j => `s${j} = select(${HIDDEN}, s${j}, isSeen(key + ${j}u, lowest, highest));`)}
      var newPeak = peak;
      ${unroll(batch, j => `newPeak = max(newPeak, s${j});`)}
      let fade = exp(peak - newPeak);
      peak = newPeak;
      total *= fade;
      ${unroll(batch, j => `s${j} = select(0.0, exp(s${j} - peak), s${j} > ${HIDDEN}); total += s${j};`)}
      {
        let at = key * ${vectors}u;
        ${unroll(vectors, v => `o${v} = o${v} * fade + ${Array.from({length: batch}, (_, j) => `s${j} * tileV[at + ${j * vectors + v}u]`).join(' + ')};`)}
      }`;
  return {
    passes: [
      queryBlockPass(request, g, {
        name: 'memoryAttention',
        read: rowBindings(['q'], Dh),
        write: {...rowBindings(['out'], Dh), logSumExp: 'f32'},
        begin: `
  ${unroll(vectors, v => `let q${v} = SCALE * ${loadRow('q', 'queryRow', `${v}u`, Dh)}; var o${v} = vec4f();`)}
  var peak = ${HIDDEN};
  var total = 0.0;`,
        keys,
        batch: batch,
        end: `
  ${unroll(vectors, v => storeRow('out', 'queryRow', v, `o${v} / total`, Dh))}
  logSumExp[queryRow] = peak + log(total);`,
      }),
    ],
  };
}
