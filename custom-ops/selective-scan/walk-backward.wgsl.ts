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
import {spread} from '../wgsl/plan.js';
import {rowSumPass} from '../wgsl/reduce.js';
import type {Rows} from '../wgsl/rows.js';
import {load4, rowType} from '../wgsl/rows.js';
import {maskBits} from '../wgsl/subgroups.js';
import {CHUNK} from './attributes.js';
import {packPasses} from './states.wgsl.js';
import type {Exchange} from './walk-backward-run.wgsl.js';
import {
  addParts,
  backwardStep,
  exchange,
  fetchOwned,
  finishRun,
  forwardStep,
  owned,
  prepareRun,
  VALUES,
} from './walk-backward-run.wgsl.js';
import type {WalkShape} from './walk-forward.wgsl.js';
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
