// Mamba and window attention: the mixer with one of its memories switched off.

import {serialization} from '@tensorflow/tfjs-core';
import {BMojoMixer} from './bmojo-mixer.js';
import type {KerasConfig} from './layer-config.js';
import type {MixerSettings} from './mixer-schema.js';

export type MambaMixerArgs = KerasConfig &
  Partial<Pick<MixerSettings, 'stateSize' | 'expand' | 'convWidth' | 'deltaRank' | 'seed'>>;

/**
 * The Mamba-1 mixer, [B, L, D] -> [B, L, D]: in-projection, causal convolution, selective scan, gate, out-projection.
 *
 * Defaults: stateSize N 16, expand 2, convWidth 4, deltaRank ceil(D / 16). Source: arXiv 2312.00752.
 */
export class MambaMixer extends BMojoMixer {
  static override className = 'MambaMixer';

  constructor(args: MambaMixerArgs = {}) {
    super({...args, attention: false, ssm: true, fading: 'none', eideticSlots: 0});
  }
}

export type SlidingWindowAttentionArgs = KerasConfig &
  Partial<
    Pick<MixerSettings, 'heads' | 'kvHeads' | 'headWidth' | 'window' | 'positions' | 'rotaryBase' | 'seed'>
  >;

/**
 * Causal softmax attention over the last `window` tokens, [B, L, D] -> [B, L, D]; window 0 attends over all of them.
 *
 * Defaults: heads 2, kvHeads = heads, window 32, rotary positions. Source: Beltagy et al. 2020, arXiv 2004.05150.
 */
export class SlidingWindowAttention extends BMojoMixer {
  static override className = 'SlidingWindowAttention';

  constructor(args: SlidingWindowAttentionArgs = {}) {
    super({...args, attention: true, ssm: false, fading: 'none', eideticSlots: 0});
  }
}

serialization.registerClass(MambaMixer);
serialization.registerClass(SlidingWindowAttention);
