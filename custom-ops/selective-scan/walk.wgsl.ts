// The selective scan as a walk over time: a channel belongs to a few neighbouring lanes of a subgroup, each of which keeps
// four states in registers from the first token to the last. Every number is read once and every exponential computed
// once. A lane reads a few of a run's tokens for its channel and shuffles step sizes and inputs to the other lanes; sums
// over states come back the same way, so that the lanes need neither barriers nor workgroup memory.

import {sigmoid, softplus} from '../backends/webgpu/maths.js';
import type {Bindings, ElementType, GpuLimits, Pass, Plan, PlanRequest} from '../backends/webgpu/plan.js';
import {
  constants,
  powerOfTwo,
  spread,
  workgroupNumber,
  workgroupParameters,
} from '../backends/webgpu/plan.js';
import {butterfly, maskBits} from '../backends/webgpu/subgroups.js';
import type {SelectiveScanAttributes} from './definition.js';
import {CHUNK} from './definition.js';

/** Tokens between two exchanges. */
export const RUN = 8;
/** Lanes below which the walk leaves a GPU mostly idle; long sequences are then better cut into chunks. */
const FEW_LANES = 8192;
const SHORT = 2048;

export interface WalkShape {
  readonly B: number;
  readonly L: number;
  readonly E: number;
  readonly N: number;
  /** Vectors of four states. */
  readonly quads: number;
  /** Lanes of a channel: quads, rounded up to a power of two. */
  readonly lanes: number;
  /** Tokens of a run that each lane reads. */
  readonly own: number;
  readonly chunks: number;
  readonly present: ReadonlySet<string>;
  readonly attrs: SelectiveScanAttributes;
  readonly limits: GpuLimits;
}

/** The walk's sizes, or undefined where this device or shape had better take the chunks. */
export function walkShape({
  dims: {B, L, E, N},
  attrs,
  present,
  limits,
}: PlanRequest<SelectiveScanAttributes>): WalkShape | undefined {
  const quads = Math.ceil(N / 4);
  const lanes = powerOfTwo(quads);
  if (lanes > RUN || limits.subgroup < lanes) return undefined;
  if (B * E * lanes < FEW_LANES && L > SHORT) return undefined;
  return {B, L, E, N, quads, lanes, own: RUN / lanes, chunks: Math.ceil(L / CHUNK), present, attrs, limits};
}

/** How a matrix with rows of N states is bound: by fours where N allows. */
export function stateType(N: number): ElementType {
  return N % 4 === 0 ? 'vec4f' : 'f32';
}

/** WGSL of lane `q`'s four states of a row; zeros beyond N. */
export function statesAt({N, quads, lanes}: WalkShape, name: string, row: string): string {
  if (N % 4 === 0) {
    if (lanes === quads) return `${name}[(${row}) * ${quads}u + q]`;
    return `select(vec4f(), ${name}[(${row}) * ${quads}u + min(q, ${quads - 1}u)], q < ${quads}u)`;
  }
  const items = [0, 1, 2, 3].map(
    i => `select(0.0, ${name}[(${row}) * ${N}u + min(4u * q + ${i}u, ${N - 1}u)], 4u * q + ${i}u < ${N}u)`,
  );
  return `vec4f(${items.join(', ')})`;
}

export function storeStates({N, quads, lanes}: WalkShape, name: string, row: string, value: string): string {
  if (N % 4 === 0) {
    const store = `${name}[(${row}) * ${quads}u + q] = ${value};`;
    return lanes === quads ? store : `if (q < ${quads}u) { ${store} }`;
  }
  return [0, 1, 2, 3]
    .map(i => `if (4u * q + ${i}u < ${N}u) { ${name}[(${row}) * ${N}u + 4u * q + ${i}u] = ${value}[${i}]; }`)
    .join('\n');
}

export function bind(names: readonly string[], present: ReadonlySet<string>, type: ElementType): Bindings {
  return Object.fromEntries(names.filter(name => present.has(name)).map(name => [name, type]));
}

/** WGSL before the entry point, and at its beginning: who this invocation is. */
export function walkHead(shape: WalkShape): string {
  const {B, L, E} = shape;
  return `
${constants({BATCH: B, TOKENS: L, CHANNELS: E, LANES: shape.lanes})}
${softplus}
${sigmoid}`;
}

export function whoAmI({E, lanes}: WalkShape, threads: number): string {
  const channels = threads / lanes;
  return `
  ${workgroupNumber}
  let tile = workgroup % ${Math.ceil(E / channels)}u;
  let batch = workgroup / ${Math.ceil(E / channels)}u;
  if (batch >= BATCH) { return; }
  let q = local % LANES;
  let isOwn = tile * ${channels}u + local / LANES < CHANNELS;
  let e = min(tile * ${channels}u + local / LANES, CHANNELS - 1u);
  let first = lane - lane % LANES;`;
}

/** WGSL of token `i` of the run that begins at `begin`, as this lane owns it. */
export function ownToken({own}: WalkShape, slot: number): string {
  return `begin + q * ${own}u + ${slot}u`;
}

/** WGSL of the row of token `token` of this batch row; the last one again where the walk steps beyond the end. */
export function tokenRow({L}: WalkShape, token: string): string {
  return L % CHUNK === 0 ? `batch * TOKENS + ${token}` : `batch * TOKENS + min(${token}, TOKENS - 1u)`;
}

/** WGSL of `value`, which is kept by the lane that owns token `i` in its variable of that slot. */
export function fromOwner({own, lanes}: WalkShape, name: string, i: number): string {
  const variable = `${name}${i % own}`;
  return lanes === 1 ? variable : `subgroupShuffle(${variable}, first + ${Math.floor(i / own)}u)`;
}

export const walkParameters = `${workgroupParameters}, @builtin(subgroup_invocation_id) lane: u32`;

const sequence = (count: number): number[] => Array.from({length: count}, (_, i) => i);

export function walkForward(shape: WalkShape): Plan {
  const {B, E, N, lanes, own, chunks, present, attrs, limits} = shape;
  const threads = Math.min(Math.max(32, lanes * powerOfTwo(E)), 128);
  const matrix = stateType(N);
  const hasGate = present.has('z');
  const loads = (prefix: string): string =>
    sequence(own)
      .map(
        slot => `
    {
      let t = ${ownToken(shape, slot)};
      let index = (batch * TOKENS + min(t, TOKENS - 1u)) * CHANNELS + e;
      ${prefix}U${slot} = u[index];
      ${prefix}D${slot} = delta[index];
      ${hasGate ? `${prefix}Z${slot} = z[index];` : ''}
    }`,
      )
      .join('');
  const declared = sequence(own)
    .map(
      slot => `var nextU${slot} = 0.0; var nextD${slot} = 0.0; ${hasGate ? `var nextZ${slot} = 0.0;` : ''}`,
    )
    .join('\n  ');
  const sums = butterfly(
    sequence(RUN).map(i => `r${i}`),
    maskBits(lanes / 2, 1),
    'lane',
    's',
  );
  const pass: Pass = {
    name: 'selectiveScan walk',
    subgroups: true,
    read: {
      u: 'f32',
      delta: 'f32',
      ...bind(['z', 'D', 'deltaBias'], present, 'f32'),
      A: matrix,
      B: matrix,
      C: matrix,
      ...bind(['initialState'], present, matrix),
    },
    write: {y: 'f32', finalState: matrix, chunkStates: matrix},
    workgroups: spread(B * Math.ceil(E / (threads / lanes)), limits),
    code: `
${walkHead(shape)}
@compute @workgroup_size(${threads})
fn main(${walkParameters}) {
  ${whoAmI(shape, threads)}
  let bias = ${present.has('deltaBias') ? 'deltaBias[e]' : '0.0'};
  let skip = ${present.has('D') ? 'D[e]' : '0.0'};
  let a = ${Math.LOG2E} * ${statesAt(shape, 'A', 'e')};
  var state = ${present.has('initialState') ? statesAt(shape, 'initialState', 'batch * CHANNELS + e') : 'vec4f()'};
  ${declared}
  var begin = 0u;
  ${loads('next')}
  for (; begin < TOKENS; ) {
    if (begin % ${CHUNK}u == 0u && isOwn) {
      ${storeStates(shape, 'chunkStates', `(batch * ${chunks}u + begin / ${CHUNK}u) * CHANNELS + e`, 'state')}
    }
    ${sequence(own)
      .map(
        slot => `
    let isToken${slot} = ${ownToken(shape, slot)} < TOKENS;
    let x${slot} = nextU${slot};
    let d${slot} = select(0.0, ${attrs.deltaSoftplus ? `softplus(nextD${slot} + bias)` : `nextD${slot} + bias`}, isToken${slot});
    let dx${slot} = d${slot} * x${slot};
    ${hasGate ? `let gate${slot} = nextZ${slot};` : ''}`,
      )
      .join('')}
    let at = begin;
    begin += ${RUN}u;
    ${loads('next')}
    ${sequence(RUN)
      .map(
        i => `
    let row${i} = ${tokenRow(shape, `at + ${i}u`)};
    state = exp2(${fromOwner(shape, 'd', i)} * a) * state + ${fromOwner(shape, 'dx', i)} * ${statesAt(shape, 'B', `row${i}`)};
    let r${i} = dot(state, ${statesAt(shape, 'C', `row${i}`)});`,
      )
      .join('')}
    ${sums.code}
    ${sums.sums
      .map(
        (name, slot) => `
    if (isToken${slot} && isOwn) {
      var r = ${name}${present.has('D') ? ` + skip * x${slot}` : ''};
      ${hasGate ? `r *= gate${slot} * sigmoid(gate${slot});` : ''}
      y[(batch * TOKENS + at + q * ${own}u + ${slot}u) * CHANNELS + e] = r;
    }`,
      )
      .join('')}
  }
  if (isOwn) { ${storeStates(shape, 'finalState', 'batch * CHANNELS + e', 'state')} }
}`,
  };
  return {passes: [pass]};
}
