// The selective scan as a walk over time: a channel belongs to a few neighbouring lanes of a subgroup, each of which keeps
// four states in registers from the first token to the last. Every number is read once and every exponential computed
// once. A lane reads a few of a run's tokens for its channel and shuffles step sizes and inputs to the other lanes; sums
// over states come back the same way, so that the lanes need neither barriers nor workgroup memory.

import {presentBindings} from '../wgsl/bindings.js';
import {rootSigmoid, sigmoid, softplus} from '../wgsl/maths.js';
import type {Pass, Plan} from '../wgsl/plan.js';
import {constants, powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {Rows} from '../wgsl/rows.js';
import {load4, rowType, store4} from '../wgsl/rows.js';
import {butterfly, maskBits} from '../wgsl/subgroups.js';
import {CHUNK} from './attributes.js';
import type {ScanShape} from './scan-shape.js';

export const sequence = (count: number): number[] => Array.from({length: count}, (_, i) => i);

/** Lanes of a workgroup forwards. */
const FORWARD_THREADS = 128;
/** Tokens between two exchanges. */
export const RUN = 8;
/** Lanes below which the walk leaves a GPU mostly idle; long sequences are then better cut into chunks. */
const FEW_LANES = 8192;
const SHORT = 2048;

export interface WalkShape extends ScanShape {
  /** Lanes of a channel: quads, rounded up to a power of two. */
  readonly lanes: number;
  /** Tokens of a run that each lane reads. */
  readonly own: number;
}

/** The walk's sizes, or undefined where this device or so many states need the chunks. */
export function walkShape(shape: ScanShape): WalkShape | undefined {
  const {quads, limits} = shape;
  const lanes = powerOfTwo(quads);
  if (lanes > RUN || limits.subgroup < lanes) return undefined;
  return {...shape, lanes, own: RUN / lanes};
}

/** Whether a sequence that may be walked over had better be cut into chunks. */
export function suitsChunks({B, L, E, lanes}: WalkShape): boolean {
  return B * E * lanes < FEW_LANES && L > SHORT;
}

/** A matrix with rows of N states, of which each lane has a quad. */
export function states({N, lanes}: WalkShape, name: string): Rows {
  return {name, width: N, reach: lanes};
}

/** WGSL before the entry point, and at its beginning: who this invocation is. */
export function walkHead(shape: WalkShape): string {
  const {B, L, E} = shape;
  return `
${constants({BATCH: B, TOKENS: L, CHANNELS: E, LANES: shape.lanes})}
${softplus}
${rootSigmoid}
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

/**
 * B and C of one chunk, [CHUNK, 2, lanes], pass through workgroup memory, by turns through two tiles, so that one barrier
 * a chunk suffices. While a chunk is worked on, each thread has its share of the next one's on the way.
 */
export interface Tiles {
  /** At module scope. */
  readonly declaration: string;
  /** Declares the share's variables. */
  readonly variables: string;
  /** Fetches the share of the chunk that begins at token `begin`. */
  fetch(begin: string): string;
  /** Puts the share into tile `turn` and waits for the others. */
  readonly place: string;
  /** Lane `q`'s states of a token of the chunk. */
  at(matrix: 'B' | 'C', token: number): string;
}

/** `statesOf` gives WGSL of four states of B or C in a row of tokens. */
export function stateTiles(
  {lanes}: WalkShape,
  threads: number,
  statesOf: (matrix: 'B' | 'C', row: string, quad: string) => string,
): Tiles {
  const perTile = CHUNK * 2 * lanes;
  const shares = Array.from({length: Math.ceil(perTile / threads)}, (_, i) => i);
  const isFull = perTile % threads === 0;
  const item = (i: number): string => `(local + ${i * threads}u)`;
  return {
    declaration: `var<workgroup> tiles: array<vec4f, ${2 * perTile}>;`,
    variables: shares.map(i => `var share${i} = vec4f();`).join(' '),
    fetch: begin =>
      shares
        .map(
          i => `
    {
      let quad = ${item(i)} % ${lanes}u;
      let source = batch * TOKENS + min(${begin} + ${item(i)} / ${2 * lanes}u, TOKENS - 1u);
      if (${item(i)} / ${lanes}u % 2u == 0u) { share${i} = ${statesOf('B', 'source', 'quad')}; }
      else { share${i} = ${statesOf('C', 'source', 'quad')}; }
    }`,
        )
        .join(''),
    place: `${shares
      .map(i => {
        const store = `tiles[turn * ${perTile}u + ${item(i)}] = share${i};`;
        return isFull ? store : `if (${item(i)} < ${perTile}u) { ${store} }`;
      })
      .join(' ')}
    workgroupBarrier();`,
    at: (matrix, token) =>
      `tiles[turn * ${perTile}u + ${(2 * token + (matrix === 'B' ? 0 : 1)) * lanes}u + q]`,
  };
}

/** WGSL of `value`, which is kept by the lane that owns token `i` in its variable of that slot. */
export function fromOwner({own, lanes}: WalkShape, name: string, i: number): string {
  const variable = `${name}${i % own}`;
  return lanes === 1 ? variable : `subgroupShuffle(${variable}, first + ${Math.floor(i / own)}u)`;
}

export const walkParameters = `${workgroupParameters}, @builtin(subgroup_invocation_id) lane: u32`;

/** WGSL that shuffles what owners hold of a run's tokens to every lane of a channel, as `${to}0`, `${to}1`, ... */
export function shareRun(shape: WalkShape, name: string, to: string): string {
  return sequence(RUN)
    .map(i => `let ${to}${i} = ${fromOwner(shape, name, i)};`)
    .join(' ');
}

function forwardRun(shape: WalkShape, tiles: Tiles, run: number): string {
  const {own, present, attrs} = shape;
  const hasGate = present.has('z');
  const sums = butterfly(
    sequence(RUN).map(i => `r${i}`),
    maskBits(shape.lanes / 2, 1),
    'lane',
    's',
  );
  const slots = sequence(own);
  const raw = (slot: number): string => `delta${run}_${slot} + bias`;
  return `
    {
      ${slots
        .map(
          slot => `
      let t${slot} = begin + ${run * RUN + slot}u + q * ${own}u;
      let d${slot} = select(0.0, ${attrs.deltaSoftplus ? `softplus(${raw(slot)})` : raw(slot)}, t${slot} < TOKENS);
      let dx${slot} = d${slot} * input${run}_${slot};`,
        )
        .join('')}
      ${shareRun(shape, 'd', 'step')}
      ${shareRun(shape, 'dx', 'write')}
      ${sequence(RUN)
        .map(i => {
          const token = run * RUN + i;
          return `
      state = exp2(step${i} * a) * state + write${i} * ${tiles.at('B', token)};
      let r${i} = dot(state, ${tiles.at('C', token)});`;
        })
        .join('')}
      ${sums.code}
      ${slots
        .map(
          slot => `
      if (t${slot} < TOKENS && isOwn) {
        var r = ${sums.sums[slot]}${present.has('D') ? ` + skip * input${run}_${slot}` : ''};
        ${hasGate ? `r *= gate${run}_${slot} * sigmoid(gate${run}_${slot});` : ''}
        y[(batch * TOKENS + t${slot}) * CHANNELS + e] = r;
      }`,
        )
        .join('')}
    }`;
}

export function walkForward(shape: WalkShape): Plan {
  const {B, E, N, lanes, own, chunks, present, limits} = shape;
  const threads = Math.min(Math.max(32, lanes * powerOfTwo(E)), FORWARD_THREADS);
  const matrix = rowType(N);
  const tiles = stateTiles(shape, threads, (name, row, quad) => load4(states(shape, name), row, quad));
  const sources = {input: 'u', delta: 'delta', ...(present.has('z') ? {gate: 'z'} : {})};
  const tokens = sequence(CHUNK / RUN).flatMap(run =>
    sequence(own).map(slot => ({run, slot, id: `${run}_${slot}`})),
  );
  const fetch = (begin: string): string =>
    tokens
      .map(
        ({run, slot, id}) => `
    {
      let t = min(${begin} + ${run * RUN + slot}u + q * ${own}u, TOKENS - 1u);
      let index = (batch * TOKENS + t) * CHANNELS + e;
      ${Object.entries(sources)
        .map(([name, source]) => `${name}Next${id} = ${source}[index];`)
        .join(' ')}
    }`,
      )
      .join('');
  const forEachValue = (text: (name: string, id: string) => string): string =>
    tokens.flatMap(({id}) => Object.keys(sources).map(name => text(name, id))).join(' ');
  const pass: Pass = {
    name: 'selectiveScan walk',
    subgroups: true,
    read: {
      u: 'f32',
      delta: 'f32',
      ...presentBindings(['z', 'D', 'deltaBias'], present),
      A: matrix,
      B: matrix,
      C: matrix,
      ...presentBindings(['initialState'], present, matrix),
    },
    write: {y: 'f32', finalState: matrix, chunkStates: matrix},
    workgroups: spread(B * Math.ceil(E / (threads / lanes)), limits),
    code: `
${walkHead(shape)}
${tiles.declaration}
@compute @workgroup_size(${threads})
fn main(${walkParameters}) {
  ${whoAmI(shape, threads)}
  let bias = ${present.has('deltaBias') ? 'deltaBias[e]' : '0.0'};
  let skip = ${present.has('D') ? 'D[e]' : '0.0'};
  let a = ${Math.LOG2E} * ${load4(states(shape, 'A'), 'e', 'q')};
  var state = ${present.has('initialState') ? load4(states(shape, 'initialState'), 'batch * CHANNELS + e', 'q') : 'vec4f()'};
  var turn = 0u;
  ${tiles.variables}
  ${forEachValue((name, id) => `var ${name}Next${id} = 0.0;`)}
  ${tiles.fetch('0u')}
  ${fetch('0u')}
  for (var begin = 0u; begin < TOKENS; begin += ${CHUNK}u) {
    ${tiles.place}
    ${forEachValue((name, id) => `let ${name}${id} = ${name}Next${id};`)}
    ${tiles.fetch(`begin + ${CHUNK}u`)}
    ${fetch(`begin + ${CHUNK}u`)}
    if (isOwn) {
      ${store4(states(shape, 'chunkStates'), `(batch * ${chunks}u + begin / ${CHUNK}u) * CHANNELS + e`, 'q', 'state')}
    }
    ${sequence(CHUNK / RUN)
      .map(run => forwardRun(shape, tiles, run))
      .join('')}
    turn = 1u - turn;
  }
  if (isOwn) { ${store4(states(shape, 'finalState'), 'batch * CHANNELS + e', 'q', 'state')} }
}`,
  };
  return {passes: [pass]};
}
