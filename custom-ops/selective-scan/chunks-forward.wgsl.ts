// The selective scan in three passes over chunks of time: each chunk's end state from a zero start, the states carried
// from chunk to chunk, and each chunk again from its true start. A thread owns a channel; its N states are unrolled
// into vec4f registers; B and C, shared by all channels, pass through workgroup memory.

import {presentBindings} from '../wgsl/bindings.js';
import {sigmoid, softplus} from '../wgsl/maths.js';
import type {Pass, Plan} from '../wgsl/plan.js';
import {constants, powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {load4, store4} from '../wgsl/rows.js';
import type {SelectiveScanAttributes} from './attributes.js';
import {CHUNK} from './attributes.js';
import type {ScanShape} from './scan-shape.js';

/** Time steps whose B and C lie in workgroup memory at once. */
const STEPS = 16;
const MAX_THREADS = 128;

export function chunksForward(shape: ScanShape): Plan {
  const {B, L, E, N, quads, chunks, attrs, present, limits} = shape;
  const threads = Math.min(powerOfTwo(E), MAX_THREADS);
  const tiles = Math.ceil(E / threads);
  const each = (text: (q: number) => string): string =>
    Array.from({length: quads}, (_, q) => text(q)).join('\n');
  const states = (name: string) => ({name, width: N, type: 'f32'}) as const;
  const own = `(batch * ${chunks}u + chunk) * CHANNELS + e`;
  const withOutput = (full: boolean): string => {
    const count = full ? chunks : chunks - 1;
    const tables = full ? ['B', 'C'] : ['B'];
    const start = (q: number): string => (full ? load4(states('chunkStates'), own, q) : 'vec4f()');
    const output = full
      ? `var r = ${Array.from({length: quads}, (_, q) => `dot(s${q}, tileC[at + ${q}u])`).join(' + ')};
      ${present.has('D') ? 'r += D[e] * x;' : ''}
      ${present.has('z') ? 'let gate = z[index]; r *= gate * sigmoid(gate);' : ''}
      y[index] = r;`
      : 'total += d;';
    const finish = full
      ? `if (chunk == ${chunks - 1}u) {
    ${each(q => store4(states('finalState'), 'batch * CHANNELS + e', q, `s${q}`))}
  }`
      : `${each(q => store4(states('chunkStates'), own, q, `s${q}`))}
  deltaSums[(batch * ${count}u + chunk) * CHANNELS + e] = total;`;
    return `
${constants({TOKENS: L, CHANNELS: E, COUNT: B * count * tiles})}
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
  ${each(q => `let a${q} = ${load4(states('A'), 'e', q)}; var s${q} = ${start(q)};`)}
  var total = 0.0;
  for (var begin = chunk * ${CHUNK}u; begin < stop; begin += ${STEPS}u) {
    for (var i = local; i < ${STEPS * quads}u; i += ${threads}u) {
      let token = begin + i / ${quads}u;
      let row = batch * TOKENS + min(token, TOKENS - 1u);
      let quad = i % ${quads}u;
      ${tables.map(name => `tile${name}[i] = ${load4(states(name), 'row', 'quad')};`).join('\n      ')}
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

  const ends: Pass = {
    name: 'selectiveScan chunk ends',
    read: {u: 'f32', delta: 'f32', A: 'f32', B: 'f32', ...presentBindings(['deltaBias'], present)},
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
      ...presentBindings(['D', 'z', 'deltaBias'], present),
      chunkStates: 'f32',
    },
    write: {y: 'f32', finalState: 'f32'},
    workgroups: spread(B * chunks * tiles, limits),
    code: withOutput(true),
  };
  const carry: Pass = {
    name: 'selectiveScan carry',
    read: {
      ...(chunks > 1 ? {A: 'f32', deltaSums: 'f32'} : {}),
      ...presentBindings(['initialState'], present),
    },
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

/** WGSL that declares `d`, the step size at `index`. */
function stepSize(attrs: SelectiveScanAttributes, present: ReadonlySet<string>, index: string): string {
  const raw = `delta[${index}]${present.has('deltaBias') ? ' + deltaBias[e]' : ''}`;
  return attrs.deltaSoftplus ? `let d = softplus(${raw});` : `let d = ${raw};`;
}
