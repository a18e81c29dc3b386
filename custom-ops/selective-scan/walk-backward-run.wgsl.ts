// What a lane does with one run of tokens as the gradient of the scan walks back over it: its own tokens' numbers, the steps
// forwards and backwards, and the sums that leave the run. See walk-backward.wgsl.ts.

import {powerOfTwo} from '../wgsl/plan.js';
import {butterfly, maskBits} from '../wgsl/subgroups.js';
import type {Tiles, WalkShape} from './walk-forward.wgsl.js';
import {RUN, sequence} from './walk-forward.wgsl.js';

/** Numbers of B's and C's gradients that one lane computes for a token. */
export const VALUES = 8;

export interface Exchange {
  readonly threads: number;
  /** Lanes over which the butterfly sums. */
  readonly width: number;
  /** Numbers that a lane is left with. */
  readonly left: number;
  /** Which threads hold different numbers: 2 ** halvings groups of channels. */
  readonly halvings: number;
}

export function exchange({lanes, E, limits}: WalkShape): Exchange {
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
export function owned({own, present}: WalkShape) {
  return [0, 1].flatMap(run =>
    sequence(own).flatMap(slot =>
      sources
        .filter(name => name !== 'gate' || present.has('z'))
        .map(name => ({name, offset: run * RUN + slot, variable: `${name}${run}_${slot}`})),
    ),
  );
}

export function fetchOwned(shape: WalkShape, begin: string): string {
  return owned(shape)
    .map(({name, offset, variable}) => {
      const t = `min(${begin} + ${offset}u + q * ${shape.own}u, TOKENS - 1u)`;
      return `next_${variable} = ${buffers[name]}[(batch * TOKENS + ${t}) * CHANNELS + e];`;
    })
    .join('\n    ');
}

/** Step size, its input, gated cotangent and the gate's slope of the tokens that a lane owns. */
export function prepareRun(shape: WalkShape, run: number): string {
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
export function forwardStep(tiles: Tiles, run: number, i: number, keep: boolean): string {
  const write = `write${run}_${i} * ${tiles.at('B', run * RUN + i)}`;
  if (!keep) return `state = exp2(step${run}_${i} * a) * state + ${write};`;
  return `
      let decay${i} = exp2(step${run}_${i} * a);
      let p${i + 1} = decay${i} * p${i} + ${write};`;
}

export function backwardStep(
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
export function addParts(shape: WalkShape, {threads, width, left, halvings}: Exchange, run: number): string {
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

export function finishRun(shape: WalkShape, run: number): string {
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
