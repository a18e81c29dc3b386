// How threads share a causal convolution: each walks over a stretch of tokens with four channels, or one, and keeps what the
// next taps need in registers, so that each number comes from memory once.

import {presentBindings} from '../wgsl/bindings.js';
import {sigmoidOf} from '../wgsl/maths.js';
import type {Bindings, PlanRequest} from '../wgsl/plan.js';
import {constants} from '../wgsl/plan.js';
import type {CausalConvAttributes} from './attributes.js';

export type ConvRequest = PlanRequest<CausalConvAttributes>;

/** Few, so that short sequences have enough workgroups too. */
export const THREADS = 64;

/** Threads that keep a large device's memory busy. */
const BUSY = 131072;

/** Tokens of a stretch: the taps beyond its ends are read, and backwards computed, once more. */
const STRETCHES = [64, 32, 16, 8];

/** Taps from which on their windows in vectors leave too few registers. */
const MANY_TAPS = 8;

export interface Walk {
  readonly type: 'f32' | 'vec4f';
  /** Elements of `type` that a token has. */
  readonly elements: number;
  /** Tokens of a stretch, and stretches of a sequence. */
  readonly tokens: number;
  readonly stretches: number;
  readonly threads: number;
}

export function walkOf({B, L, E, K}: ConvRequest['dims']): Walk {
  const type = E % 4 === 0 && K <= MANY_TAPS ? 'vec4f' : 'f32';
  const elements = type === 'vec4f' ? E / 4 : E;
  const threadsFor = (tokens: number): number => B * Math.ceil(L / tokens) * elements;
  const tokens = STRETCHES.find(length => threadsFor(length) >= BUSY) ?? STRETCHES[STRETCHES.length - 1];
  return {type, elements, tokens, stretches: Math.ceil(L / tokens), threads: threadsFor(tokens)};
}

export const sequence = (length: number): number[] => Array.from({length}, (_, i) => i);

/** What the sum before the activation reads. */
export function sumReads({present}: ConvRequest, {type}: Walk): Bindings {
  return {x: type, weight: type, ...presentBindings(['bias', 'initialState'], present, type)};
}

/** WGSL of the walk's constants and `inputAt(batch, t, e)`, where t may reach back into the initial state. */
export function walkHead({dims: {B, L, K}, present}: ConvRequest, walk: Walk): string {
  const {type, elements, tokens, stretches} = walk;
  const past = present.has('initialState')
    ? 'initialState[(batch * (TAPS - 1u) + u32(t + i32(TAPS) - 1)) * ELEMENTS + e]'
    : `${type}()`;
  return `
${constants({BATCH: B, TOKENS: L, TAPS: K, ELEMENTS: elements, STRETCH: tokens, STRETCHES: stretches})}
${sigmoidOf(type)}
fn inputAt(batch: u32, t: i32, e: u32) -> ${type} {
  if (t >= 0) { return x[(batch * TOKENS + min(u32(t), TOKENS - 1u)) * ELEMENTS + e]; }
  return ${past};
}`;
}

/** WGSL that places a thread, whose number is `index`: element `e`, `batch` and the tokens from `start` to `stop`. */
export const placeOfThread = `
  let e = index % ELEMENTS;
  let batch = index / ELEMENTS / STRETCHES;
  let start = i32(index / ELEMENTS % STRETCHES * STRETCH);
  let stop = min(start + i32(STRETCH), i32(TOKENS));`;

/** WGSL that declares the taps' weights, the bias and the inputs before the first token, `x0` the oldest. */
export function beginWindow({dims: {K}, present}: ConvRequest, {type}: Walk): string {
  return `
  ${sequence(K)
    .map(j => `let weight${j} = weight[${j}u * ELEMENTS + e];`)
    .join('\n  ')}
  let first = ${present.has('bias') ? 'bias[e]' : `${type}()`};
  ${sequence(K - 1)
    .map(j => `var x${j} = inputAt(batch, start + ${j - K + 1}, e);`)
    .join('\n  ')}`;
}

/** WGSL of `sum`, before the activation, where the newest input is `x${K - 1}`. */
export function sumOfTaps({dims: {K}}: ConvRequest): string {
  return `
    var sum = first;
    ${sequence(K)
      .map(j => `sum += weight${j} * x${j};`)
      .join(' ')}`;
}

/** WGSL that moves a window on by one. */
export function moveOn(name: string, length: number): string {
  return sequence(length)
    .map(j => `${name}${j} = ${name}${j + 1};`)
    .join(' ');
}
