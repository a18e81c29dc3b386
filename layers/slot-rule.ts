// What decides which tokens eidetic slots keep: how badly the fading memory predicted them, or a simpler rule beside it.

import type {Rank, Tensor2D, Tensor4D} from '@tensorflow/tfjs-core';
import {abs, add, max, mod, mul, reshape, slice, square, sum, tensor2d, tile} from '@tensorflow/tfjs-core';
import {SharedTensors} from '../custom-ops/shared-tensors.js';
import type {MixerSettings} from './mixer-schema.js';

/** What rules go by. */
export interface SlotRuleInputs {
  /** Of the new tokens, [B, L]. */
  readonly innovation: Tensor2D;
  /** Of the new tokens, before they are turned, [B, L, G, Dh]. */
  readonly keys: Tensor4D;
  /** Cosines and sines of the new tokens' positions, [L, Dh]; with rotary positions. */
  readonly cosSin?: Tensor2D;
  /** Scores of the rows before, [B, M]: those of the same rule, and -1 for tokens that have had their chance. */
  readonly known?: Tensor2D;
}

const counts = new SharedTensors(16);

/** 1 to `length`, [1, length]. */
const counted = (length: number): Tensor2D =>
  counts.get(String(length), () =>
    tensor2d(
      Float32Array.from({length}, (_, i) => i + 1),
      [1, length],
    ),
  );

/** Digits of the cosine that serve as a number drawn by chance: the first are too regular. */
const SHUFFLE = 1000;

/** Scores of the new tokens, [B, L]: the slots keep the largest, of equal ones the older. */
export function slotScores({eideticRule}: MixerSettings, inputs: SlotRuleInputs): Tensor2D {
  const {innovation, keys, cosSin, known} = inputs;
  const [batch, length] = innovation.shape;
  switch (eideticRule) {
    case 'innovation':
      return innovation;
    case 'latest': {
      const count = tile(counted(length), [batch, 1]);
      // The last of the rows before has the largest number, and is a candidate still or was stored.
      return known === undefined ? count : add(count, max<Tensor2D>(known, 1, true));
    }
    case 'chance': {
      if (cosSin === undefined) throw new Error('slotScores: chance goes by rotary positions');
      const cosines = reshape<Rank.R2>(slice(cosSin, [0, 0], [length, 1]), [1, length]);
      return tile(mod(mul(abs(cosines), SHUFFLE), 1) as Tensor2D, [batch, 1]);
    }
    case 'key-norm':
      return sum(square(keys), [2, 3]);
  }
}
