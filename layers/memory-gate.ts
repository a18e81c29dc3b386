// A gate for each head between its window and the other memories: closed, the layer is its window alone.

import type {Rank, Tensor1D, Tensor2D, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {add, concat, expandDims, mul, sub, tanh, tensor1d, zeros} from '@tensorflow/tfjs-core';
import {constant} from './initializers.js';
import type {MixerSettings} from './mixer-schema.js';
import type {WeightSpec} from './weights.js';

export const MEMORY_GATE = 'memory_gate';

/** Gates start at 0, closed. */
export function memoryGateWeights({memoryGate, heads}: MixerSettings): WeightSpec[] {
  return memoryGate ? [{name: MEMORY_GATE, shape: [heads], initializer: constant(0)}] : [];
}

/** How far each head's gate [H] is open, [H, 1]: 0 is the window alone, 1 the softmax over all memories. */
export function opening(gate: Tensor1D): Tensor2D {
  return expandDims(tanh(gate), 1);
}

/** Attention to the window [B, L, H, Dh] and what attention to `all` memories changes in it; exactly the former where a gate is closed. */
export function throughGate(inWindow: Tensor4D, all: Tensor4D, open: Tensor2D): Tensor4D {
  return add(inWindow, mul(open, sub(all, inWindow)));
}

/**
 * Shares of the output [B, L, H, 3], or 4 with memory in storage, from those of the softmax within the layer [B, L, H, 3].
 * What a gate holds back is the window's. `stored`: the share of storage behind the gate, [B, L, H].
 */
export function sharesBehind(
  inLayer: Tensor4D,
  open: Tensor2D | undefined,
  stored: Tensor3D | undefined,
  hasStorage: boolean,
): Tensor4D {
  if (open === undefined && !hasStorage) return inLayer;
  const [batch, length, heads] = inLayer.shape;
  const own = stored === undefined ? zeros<Rank.R4>([batch, length, heads, 1]) : expandDims(stored, 3);
  const through = mul<Tensor4D>(inLayer, sub(open ?? 1, own));
  const all = open === undefined ? through : add<Tensor4D>(through, mul(sub(1, open), tensor1d([1, 0, 0])));
  return hasStorage ? concat<Tensor4D>([all, own as Tensor4D], 3) : all;
}
