// The selective scan in three passes over chunks of time: each chunk's end state from a zero start, the states carried
// from chunk to chunk, and each chunk again from its true start. A thread owns a channel; its N states are unrolled
// into vec4f registers; B and C, shared by all channels, pass through workgroup memory.

import {sigmoid, softplus} from '../wgsl/maths.js';
import type {Pass, Plan, PlanRequest} from '../wgsl/plan.js';
import {constants, powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {SelectiveScanAttributes} from './attributes.js';
import {CHUNK} from './attributes.js';

/** Time steps whose B and C lie in workgroup memory at once. */
const STEPS = 16;
const MAX_THREADS = 128;

export function chunksForward({dims, attrs, present, limits}: PlanRequest<SelectiveScanAttributes>): Plan {
  const {B, L, E, N} = dims;
  const quads = Math.ceil(N / 4);
  const chunks = Math.ceil(L / CHUNK);
  const threads = Math.min(powerOfTwo(E), MAX_THREADS);
  const tiles = Math.ceil(E / threads);
  const each = (text: (q: number) => string): string =>
    Array.from({length: quads}, (_, q) => text(q)).join('\n');
  /** Four states of a row of N, zeros beyond its end. */
  const row = (name: string, start: string, q: number): string => {
    const items = [0, 1, 2, 3].map(i => (4 * q + i < N ? `${name}[${start} + ${4 * q + i}u]` : '0.0'));
    return `vec4f(${items.join(', ')})`;
  };
  const storeRow = (name: string, start: string, q: number): string =>
    [0, 1, 2, 3]
      .filter(i => 4 * q + i < N)
      .map(i => `${name}[${start} + ${4 * q + i}u] = s${q}[${i}];`)
      .join(' ');

  const withOutput = (full: boolean): string => {
    const count = full ? chunks : chunks - 1;
    const tables = full ? ['B', 'C'] : ['B'];
    const start = (q: number): string =>
      full ? row('chunkStates', `((batch * ${chunks}u + chunk) * CHANNELS + e) * STATES`, q) : 'vec4f()';
    const output = full
      ? `var r = ${Array.from({length: quads}, (_, q) => `dot(s${q}, tileC[at + ${q}u])`).join(' + ')};
      ${present.has('D') ? 'r += D[e] * x;' : ''}
      ${present.has('z') ? 'let gate = z[index]; r *= gate * sigmoid(gate);' : ''}
      y[index] = r;`
      : 'total += d;';
    const finish = full
      ? `if (chunk == ${chunks - 1}u) {
    let last = (batch * CHANNELS + e) * STATES;
    ${each(q => storeRow('finalState', 'last', q))}
  }`
      : `let end = ((batch * ${chunks}u + chunk) * CHANNELS + e) * STATES;
  ${each(q => storeRow('chunkStates', 'end', q))}
  deltaSums[(batch * ${count}u + chunk) * CHANNELS + e] = total;`;
    return `
${constants({TOKENS: L, CHANNELS: E, STATES: N, COUNT: B * count * tiles})}
${softplus}
${sigmoid}
${tables.map(name => `var<workgroup> tile${name}: array<vec4f, ${STEPS * quads}>;`).join('\n')}
@compute @workgroup_size(${threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= COUNT) { return; }
  let e = min((workgroup % ${tiles}u) * ${threads}u + local, CHANNELS - 1u);
  let isOwn = (workgroup % ${tiles}u) * ${threads}u + local < CHANNELS;
  let chunk = workgroup / ${tiles}u % ${count}u;
  let batch = workgroup / ${tiles * count}u;
  let stop = min(TOKENS, (chunk + 1u) * ${CHUNK}u);
  ${each(q => `let a${q} = ${row('A', 'e * STATES', q)}; var s${q} = ${start(q)};`)}
  var total = 0.0;
  for (var begin = chunk * ${CHUNK}u; begin < stop; begin += ${STEPS}u) {
    for (var i = local; i < ${STEPS * quads}u; i += ${threads}u) {
      let token = begin + i / ${quads}u;
      let origin = (batch * TOKENS + min(token, TOKENS - 1u)) * STATES + 4u * (i % ${quads}u);
      ${tables.map(name => `tile${name}[i] = ${quadOf(name, 'origin', `4u * (i % ${quads}u)`, N)};`).join('\n      ')}
    }
    workgroupBarrier();
    let steps = min(${STEPS}u, stop - begin);
    for (var step = 0u; step < steps; step++) {
      let index = (batch * TOKENS + begin + step) * CHANNELS + e;
      let at = step * ${quads}u;
      ${stepSize(attrs, present, 'index')}
      let x = u[index];
      let dx = d * x;
      ${each(q => `s${q} = exp(d * a${q}) * s${q} + dx * tileB[at + ${q}u];`)}
      ${full ? `if (isOwn) {\n      ${output}\n      }` : output}
    }
    workgroupBarrier();
  }
  if (!isOwn) { return; }
  ${finish}
}`;
  };

  const optional = (names: string[]) =>
    Object.fromEntries(names.filter(name => present.has(name)).map(name => [name, 'f32' as const]));
  const ends: Pass = {
    name: 'selectiveScan chunk ends',
    read: {u: 'f32', delta: 'f32', A: 'f32', B: 'f32', ...optional(['deltaBias'])},
    write: {chunkStates: 'f32', deltaSums: 'f32'},
    workgroups: spread(B * (chunks - 1) * tiles, limits),
    code: withOutput(false),
  };
  const outputs: Pass = {
    name: 'selectiveScan outputs',
    read: {
      u: 'f32',
      delta: 'f32',
      A: 'f32',
      B: 'f32',
      C: 'f32',
      ...optional(['D', 'z', 'deltaBias']),
      chunkStates: 'f32',
    },
    write: {y: 'f32', finalState: 'f32'},
    workgroups: spread(B * chunks * tiles, limits),
    code: withOutput(true),
  };
  const carry: Pass = {
    name: 'selectiveScan carry',
    read: {...(chunks > 1 ? {A: 'f32', deltaSums: 'f32'} : {}), ...optional(['initialState'])},
    write: {chunkStates: 'f32'},
    workgroups: spread(Math.ceil((B * E * N) / 256), limits),
    code: `
${constants({CHANNELS: E, STATES: N, COUNT: B * E * N})}
@compute @workgroup_size(256)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * 256u + local;
  if (index >= COUNT) { return; }
  let batch = index / (CHANNELS * STATES);
  let inner = index % (CHANNELS * STATES);
  var state = ${present.has('initialState') ? 'initialState[index]' : '0.0'};
  for (var chunk = 0u; chunk < ${chunks - 1}u; chunk++) {
    let at = (batch * ${chunks}u + chunk) * CHANNELS * STATES + inner;
    ${
      chunks > 1
        ? `let end = chunkStates[at];
    let decay = exp(A[inner] * deltaSums[(batch * ${chunks - 1}u + chunk) * CHANNELS + inner / STATES]);
    chunkStates[at] = state;
    state = decay * state + end;`
        : ''
    }
  }
  chunkStates[(batch * ${chunks}u + ${chunks - 1}u) * CHANNELS * STATES + inner] = state;
}`,
  };
  return {
    scratch: chunks > 1 ? {deltaSums: B * (chunks - 1) * E} : {},
    passes: chunks > 1 ? [ends, carry, outputs] : [carry, outputs],
  };
}

/** Four entries from `from` on, zeros from column N on. */
function quadOf(name: string, from: string, column: string, N: number): string {
  if (N % 4 === 0) return `vec4f(${[0, 1, 2, 3].map(i => `${name}[${from} + ${i}u]`).join(', ')})`;
  const items = [0, 1, 2, 3].map(i => `select(0.0, ${name}[${from} + ${i}u], ${column} + ${i}u < ${N}u)`);
  return `vec4f(${items.join(', ')})`;
}

/** WGSL that declares `d`, the step size at `index`. */
export function stepSize(
  attrs: SelectiveScanAttributes,
  present: ReadonlySet<string>,
  index: string,
): string {
  const raw = `delta[${index}]${present.has('deltaBias') ? ' + deltaBias[e]' : ''}`;
  return attrs.deltaSoftplus ? `let d = softplus(${raw});` : `let d = ${raw};`;
}
