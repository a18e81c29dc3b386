// The gradient of the selective scan as a walk back over time, with the lanes of walk-forward.wgsl.ts. A saved state begins each
// chunk of two runs: the first run is passed over forwards to reach the second, then each is run forwards with its
// states and decays in registers and the adjoint walks back over it.
//
// Sums over a channel's states and over the channels of a subgroup are butterflies; those of a workgroup's subgroups go
// through workgroup memory, by turns through two buffers, so that one barrier a run suffices. What workgroups and batch
// rows share (B and C; A, D and the bias) is written in parts and added in a fixed order.

import {presentBindings} from '../wgsl/bindings.js';
import {elementwisePass} from '../wgsl/elementwise.js';
import type {Pass, Plan} from '../wgsl/plan.js';
import {powerOfTwo, spread} from '../wgsl/plan.js';
import {rowSumPass} from '../wgsl/reduce.js';
import type {Rows} from '../wgsl/rows.js';
import {load4, rowType} from '../wgsl/rows.js';
import {butterfly, maskBits} from '../wgsl/subgroups.js';
import {CHUNK} from './attributes.js';
import {packPasses} from './states.wgsl.js';
import type {Tiles, WalkShape} from './walk-forward.wgsl.js';
import {
  RUN,
  sequence,
  shareRun,
  states,
  stateTiles,
  walkHead,
  walkParameters,
  whoAmI,
} from './walk-forward.wgsl.js';

/** Numbers of B's and C's gradients that one lane computes for a token. */
const VALUES = 8;

interface Exchange {
  readonly threads: number;
  /** Lanes over which the butterfly sums. */
  readonly width: number;
  /** Numbers that a lane is left with. */
  readonly left: number;
  /** Which threads hold different numbers: 2 ** halvings groups of channels. */
  readonly halvings: number;
}

function exchange({lanes, E, limits}: WalkShape): Exchange {
  const width = Math.min(32, limits.subgroup);
  const halvings = Math.min(Math.log2(VALUES), Math.log2(width / lanes));
  const left = VALUES / 2 ** halvings;
  const bytes = 2 * RUN * left * 4;
  const most = 2 ** Math.floor(Math.log2((limits.workgroupBytes - 1024 * lanes) / bytes));
  const threads = Math.max(width, Math.min(128, most, lanes * powerOfTwo(E)));
  return {threads, width, left, halvings};
}

const sources = ['input', 'delta', 'cotangent', 'gate'] as const;
const buffers = {input: 'u', delta: 'delta', cotangent: 'gradY', gate: 'z'} as const;

/** What a lane fetches of its tokens of a chunk, by run and slot. */
function owned({own, present}: WalkShape) {
  return [0, 1].flatMap(run =>
    sequence(own).flatMap(slot =>
      sources
        .filter(name => name !== 'gate' || present.has('z'))
        .map(name => ({name, offset: run * RUN + slot, variable: `${name}${run}_${slot}`})),
    ),
  );
}

function fetchOwned(shape: WalkShape, begin: string): string {
  return owned(shape)
    .map(({name, offset, variable}) => {
      const t = `min(${begin} + ${offset}u + q * ${shape.own}u, TOKENS - 1u)`;
      return `next_${variable} = ${buffers[name]}[(batch * TOKENS + ${t}) * CHANNELS + e];`;
    })
    .join('\n    ');
}

/** Step size, its input, gated cotangent and the gate's slope of the tokens that a lane owns. */
function prepareRun(shape: WalkShape, run: number): string {
  const {own, present, attrs} = shape;
  return sequence(own)
    .map(slot => {
      const id = `${run}_${slot}`;
      return `
    let t${id} = chunkBegin + ${run * RUN + slot}u + q * ${own}u;
    let isToken${id} = t${id} < TOKENS && isOwn;
    let raw${id} = delta${id} + bias;
    let d${id} = select(0.0, ${attrs.deltaSoftplus ? `softplus(raw${id})` : `raw${id}`}, isToken${id});
    let dx${id} = d${id} * input${id};
    ${present.has('z') ? `let open${id} = sigmoid(gate${id});` : ''}
    let g${id} = select(0.0, cotangent${id}${present.has('z') ? ` * gate${id} * open${id}` : ''}, isToken${id});`;
    })
    .join('');
}

/** One step forwards; keeps the decay and the state after it in variables of the token when `keep`. */
function forwardStep(tiles: Tiles, run: number, i: number, keep: boolean): string {
  const write = `write${run}_${i} * ${tiles.at('B', run * RUN + i)}`;
  if (!keep) return `state = exp2(step${run}_${i} * a) * state + ${write};`;
  return `
      let decay${i} = exp2(step${run}_${i} * a);
      let p${i + 1} = decay${i} * p${i} + ${write};`;
}

function backwardStep(
  shape: WalkShape,
  {width, left}: Exchange,
  tiles: Tiles,
  run: number,
  i: number,
): string {
  const values = sequence(VALUES).map(v => (v < 4 ? `toB${i}[${v}]` : `toC${i}[${v - 4}]`));
  const sums = butterfly(values, maskBits(width / 2, shape.lanes), 'lane', `c${i}_`);
  const stores = sums.sums
    .map(
      (name, k) => `exchanged[((buffer * ${RUN}u + ${i}u) * ${left}u + ${k}u) * THREADS + local] = ${name};`,
    )
    .join(' ');
  return `
      let read${i} = ${tiles.at('C', run * RUN + i)};
      adjoint += pull${run}_${i} * read${i};
      let toB${i} = write${run}_${i} * adjoint;
      let toC${i} = pull${run}_${i} * p${i + 1};
      let inputs${i} = dot(adjoint, ${tiles.at('B', run * RUN + i)});
      let outputs${i} = dot(read${i}, p${i + 1});
      adjoint *= decay${i};
      let decayed${i} = adjoint * p${i};
      gradA += step${run}_${i} * decayed${i};
      let steps${i} = dot(decayed${i}, a);
      ${sums.code}
      ${stores}`;
}

/** Each thread adds the subgroups' parts of some of a run's numbers and writes them. */
function addParts(shape: WalkShape, {threads, width, left, halvings}: Exchange, run: number): string {
  const {lanes} = shape;
  const perToken = VALUES * lanes;
  const shift = Math.log2(width) - halvings;
  return `
    for (var i = local; i < ${RUN * perToken}u; i += THREADS) {
      let v = i % ${perToken}u / ${lanes}u;
      let part = ((v >> ${Math.log2(left)}u) << ${shift}u) | (i % ${lanes}u);
      var total = 0.0;
      for (var w = 0u; w < ${threads / width}u; w++) {
        total += exchanged[((buffer * ${RUN}u + i / ${perToken}u) * ${left}u + v % ${left}u) * THREADS + w * ${width}u + part];
      }
      let t = chunkBegin + ${run * RUN}u + i / ${perToken}u;
      if (t < TOKENS) { parts[((tile * BATCH + batch) * TOKENS + t) * ${perToken}u + i % ${perToken}u] = total; }
    }`;
}

function finishRun(shape: WalkShape, run: number): string {
  const {lanes, own, present, attrs} = shape;
  const over = (name: string) =>
    butterfly(
      sequence(RUN).map(i => `${name}${i}`),
      maskBits(lanes / 2, 1),
      'lane',
      `${name}Sum`,
    );
  const [inputs, steps, outputs] = [over('inputs'), over('steps'), over('outputs')];
  const finish = sequence(own).map(slot => {
    const id = `${run}_${slot}`;
    const slope = attrs.deltaSoftplus ? ` * rootSigmoid(raw${id}) * rootSigmoid(raw${id})` : '';
    const gateSlope = `open${id} * (1.0 + gate${id} * (1.0 - open${id}))`;
    return `
      if (isToken${id}) {
        let index = (batch * TOKENS + t${id}) * CHANNELS + e;
        let toInput = ${inputs.sums[slot]};
        gradU[index] = d${id} * toInput + skip * g${id};
        let toStep = (input${id} * toInput + ${Math.LN2} * ${steps.sums[slot]})${slope};
        gradDelta[index] = toStep;
        sumD += g${id} * input${id};
        sumBias += toStep;
        ${present.has('z') ? `gradZ[index] = cotangent${id} * (${outputs.sums[slot]} + skip * input${id}) * ${gateSlope};` : ''}
      }`;
  });
  return `
      ${inputs.code}
      ${steps.code}
      ${present.has('z') ? outputs.code : ''}
      ${finish.join('')}`;
}

/** Where the parts of one buffer begin, in words. */
function partsLayout({B, L, E, lanes, threads}: WalkShape & Exchange) {
  const groups = Math.ceil(E / (threads / lanes));
  const perToken = VALUES * lanes;
  const perChannel = 4 * lanes + 2;
  const channelParts = groups * B * L * perToken;
  const adjoints = channelParts + B * E * perChannel;
  return {groups, perToken, perChannel, channelParts, adjoints, words: adjoints + B * E * 4 * lanes};
}

function walkBackPass(shape: WalkShape, how: Exchange): Pass {
  const {B, N, quads, lanes, chunks, present, limits} = shape;
  const {threads, left} = how;
  const {groups, perChannel, channelParts, adjoints} = partsLayout({...shape, ...how});
  const matrix = rowType(N);
  if (CHUNK !== 2 * RUN) throw new Error('selectiveScan: the walk back takes chunks of two runs');
  const each = (text: (i: number) => string): string[] => sequence(RUN).map(text);
  // Packed rows: B's and C's states of a token are two of them.
  const packed: Rows = {name: 'tokens', width: 4 * quads, reach: lanes};
  const tiles = stateTiles(shape, threads, (name, row, quad) =>
    load4(packed, `2u * (${row}) + ${name === 'C' ? 1 : 0}u`, quad),
  );
  const decays: Rows = {name: 'channels', width: 4 * quads, stride: 4 * (quads + 1), reach: lanes};
  const shareSteps = (run: number): string =>
    `${shareRun(shape, `d${run}_`, `step${run}_`)} ${shareRun(shape, `dx${run}_`, `write${run}_`)}`;
  const walkRun = (run: number): string => `
    {
      let p0 = ${run === 0 ? 'start' : 'state'};
      ${shareSteps(run)}
      ${each(i => forwardStep(tiles, run, i, true)).join('')}
      ${shareRun(shape, `g${run}_`, `pull${run}_`)}
      ${each(i => backwardStep(shape, how, tiles, run, i))
        .reverse()
        .join('')}
      ${finishRun(shape, run)}
      workgroupBarrier();
      ${addParts(shape, how, run)}
      buffer = 1u - buffer;
    }`;
  const overLanes = (name: string): string =>
    maskBits(lanes / 2, 1)
      .map(mask => `${name} += subgroupShuffleXor(${name}, ${mask}u);`)
      .join(' ');
  const vectors = `e * ${quads + 1}u`;
  const mine = owned(shape);
  return {
    name: 'selectiveScan walk back',
    subgroups: true,
    read: {
      u: 'f32',
      delta: 'f32',
      gradY: 'f32',
      ...presentBindings(['z'], present),
      channels: 'vec4f',
      tokens: 'vec4f',
      chunkStates: matrix,
      gradFinalState: matrix,
    },
    write: {gradU: 'f32', gradDelta: 'f32', ...(present.has('z') ? {gradZ: 'f32'} : {}), parts: 'f32'},
    workgroups: spread(B * groups, limits),
    code: `
${walkHead(shape)}
const THREADS: u32 = ${threads}u;
${tiles.declaration}
var<workgroup> exchanged: array<f32, ${2 * RUN * left * threads}>;
@compute @workgroup_size(${threads})
fn main(${walkParameters}) {
  ${whoAmI(shape, threads)}
  let bias = channels[${vectors} + ${quads}u].y;
  let skip = channels[${vectors} + ${quads}u].x;
  let a = ${Math.LOG2E} * ${load4(decays, 'e', 'q')};
  var adjoint = select(vec4f(), ${load4(states(shape, 'gradFinalState'), 'batch * CHANNELS + e', 'q')}, isOwn);
  var gradA = vec4f();
  var sumD = 0.0;
  var sumBias = 0.0;
  var buffer = 0u;
  var turn = 0u;
  ${tiles.variables}
  ${mine.map(({variable}) => `var next_${variable} = 0.0;`).join(' ')}
  ${tiles.fetch(`${(chunks - 1) * CHUNK}u`)}
  ${fetchOwned(shape, `${(chunks - 1) * CHUNK}u`)}
  for (var chunk = ${chunks}u; chunk > 0u; chunk--) {
    let chunkBegin = (chunk - 1u) * ${CHUNK}u;
    let before = max(chunkBegin, ${CHUNK}u) - ${CHUNK}u;
    let start = ${load4(states(shape, 'chunkStates'), `(batch * ${chunks}u + chunk - 1u) * CHANNELS + e`, 'q')};
    ${tiles.place}
    ${mine.map(({variable}) => `let ${variable} = next_${variable};`).join(' ')}
    ${tiles.fetch('before')}
    ${fetchOwned(shape, 'before')}
    ${prepareRun(shape, 0)}
    ${prepareRun(shape, 1)}
    var state = start;
    {
      ${shareSteps(0)}
      ${each(i => forwardStep(tiles, 0, i, false)).join('\n      ')}
    }
    ${walkRun(1)}
    ${walkRun(0)}
    turn = 1u - turn;
  }
  ${overLanes('sumD')}
  ${overLanes('sumBias')}
  if (!isOwn) { return; }
  let channel = batch * CHANNELS + e;
  let ofChannel = ${channelParts}u + channel * ${perChannel}u;
  ${[0, 1, 2, 3].map(i => `parts[ofChannel + 4u * q + ${i}u] = gradA[${i}];`).join(' ')}
  ${[0, 1, 2, 3].map(i => `parts[${adjoints}u + channel * ${4 * lanes}u + 4u * q + ${i}u] = adjoint[${i}];`).join(' ')}
  if (q == 0u) {
    parts[ofChannel + ${4 * lanes}u] = sumD;
    parts[ofChannel + ${4 * lanes + 1}u] = sumBias;
  }
}`,
  };
}

export function walkBackward(shape: WalkShape): Plan {
  const {B, L, E, N, quads, lanes, present, limits} = shape;
  const how = exchange(shape);
  const {groups, perToken, perChannel, channelParts, adjoints, words} = partsLayout({...shape, ...how});
  const vector = (name: string, gradient: string): string =>
    present.has(name) ? `${gradient}[e] = total;` : '';
  const ofChannels = rowSumPass(
    {
      name: 'selectiveScan gradients of channels',
      from: 'parts',
      offset: channelParts,
      rows: B,
      columns: E * perChannel,
      write: {
        gradA: 'f32',
        ...(present.has('D') ? {gradD: 'f32'} : {}),
        ...(present.has('deltaBias') ? {gradDeltaBias: 'f32'} : {}),
      },
      store: `
    let e = column / ${perChannel}u;
    let n = column % ${perChannel}u;
    if (n < ${N}u) { gradA[e * ${N}u + n] = total; }
    if (n == ${4 * lanes}u) { ${vector('D', 'gradD')} }
    if (n == ${4 * lanes + 1}u) { ${vector('deltaBias', 'gradDeltaBias')} }`,
    },
    limits,
  );
  const ofTokens = rowSumPass(
    {
      name: 'selectiveScan gradients of B and C',
      from: 'parts',
      rows: groups,
      columns: B * L * perToken,
      write: {gradB: 'f32', gradC: 'f32'},
      // Of a token's numbers, ordered by (B or C, component, quad): state n = 4 quad + component.
      store: `
    let token = column / ${perToken}u;
    let v = column % ${perToken}u / ${lanes}u;
    let n = 4u * (column % ${lanes}u) + v % 4u;
    if (n < ${N}u) {
      if (v < 4u) { gradB[token * ${N}u + n] = total; } else { gradC[token * ${N}u + n] = total; }
    }`,
    },
    limits,
  );
  const ofInitialState = elementwisePass(
    {
      name: 'selectiveScan gradient of initialState',
      read: {parts: 'f32'},
      write: {gradInitialState: 'f32'},
      count: B * E * N,
      body: `gradInitialState[index] = parts[${adjoints}u + index / ${N}u * ${4 * lanes}u + index % ${N}u];`,
    },
    limits,
  );
  return {
    scratch: {channels: E * (quads + 1) * 4, tokens: B * L * 2 * quads * 4, parts: words},
    passes: [
      ...packPasses(shape),
      walkBackPass(shape, how),
      ofChannels,
      ofTokens,
      ...(present.has('initialState') ? [ofInitialState] : []),
    ],
  };
}
