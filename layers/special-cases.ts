// Mamba, Mamba-2 and window attention: the mixer with one of its memories switched off.

import {serialization} from '@tensorflow/tfjs-core';
import {BMojoMixer} from './bmojo-mixer.js';
import type {KerasConfig} from './layer-config.js';
import {mamba2Schema} from './layer-schemas.js';
import type {
  PartialMamba2Settings,
  PartialMambaSettings,
  PartialSlidingWindowSettings,
} from './settings.generated.js';

/**
 * What {@link MambaMixer} takes: keys of tf layers, and the settings of {@link mixerSchema} that its SSM has.
 */
export interface MambaMixerArgs extends KerasConfig, PartialMambaSettings {}

/**
 * The Mamba-1 mixer, [B, L, D] -> [B, L, D]: in-projection, causal convolution, selective scan, gate,
 * out-projection.
 *
 * Settings and defaults: {@link mixerSchema}, of which it has stateSize N 16, expand 2 (or innerWidth), convWidth 4,
 * deltaRank ceil(D / 16), convBias, projectionBias, ssmNormEpsilon, seed. Errors: SettingError for a bad setting. Source: arXiv 2312.00752.
 */
export class MambaMixer extends BMojoMixer {
  static override className = 'MambaMixer';

  constructor(args: MambaMixerArgs = {}) {
    super({...args, attention: false, ssm: true, fading: 'none', eideticSlots: 0, storage: 0});
  }
}

/**
 * What {@link Mamba2Mixer} takes: keys of tf layers, and the settings of {@link mixerSchema} that its SSM has.
 */
export interface Mamba2MixerArgs extends KerasConfig, PartialMamba2Settings {}

/**
 * The Mamba-2 mixer, [B, L, D] -> [B, L, D]: in-projection, causal convolution of inputs, B and C, state-space dual scan of
 * H heads of P channels, gate, RMSNorm of what is gated, out-projection.
 *
 * Settings: {@link mixerSchema}, of which it has stateSize N, 128 unless said, expand 2 (or innerWidth), convWidth 4,
 * ssmHeadWidth P 64, ssmGroups 1, gatedNormEpsilon 1e-5, convBias, projectionBias, seed. Errors: SettingError for settings
 * that do not fit each other or D. Source: arXiv 2405.21060.
 */
export class Mamba2Mixer extends BMojoMixer {
  static override className = 'Mamba2Mixer';

  constructor(args: Mamba2MixerArgs = {}) {
    super({
      stateSize: mamba2Schema.stateSize.default,
      ...args,
      attention: false,
      ssm: true,
      ssmKind: 'mamba2',
      fading: 'none',
      eideticSlots: 0,
    });
  }
}

/**
 * What {@link SlidingWindowAttention} takes: keys of tf layers, and the settings of {@link mixerSchema} that
 * its attention has.
 */
export interface SlidingWindowAttentionArgs extends KerasConfig, PartialSlidingWindowSettings {}

/**
 * Causal softmax attention over the last `window` tokens, [B, L, D] -> [B, L, D]; window 0 attends over all
 * of them.
 *
 * Settings and defaults: {@link mixerSchema}, of which it has heads 2, kvHeads = heads, headWidth D / heads,
 * window 32, rotary positions, attentionBias, qkNormEpsilon, storage 0 (above it as in Memorizing Transformers,
 * arXiv 2203.08913), seed. Errors: SettingError for settings that do not fit each other or D.
 * Source: Beltagy et al. 2020, arXiv 2004.05150.
 */
export class SlidingWindowAttention extends BMojoMixer {
  static override className = 'SlidingWindowAttention';

  constructor(args: SlidingWindowAttentionArgs = {}) {
    super({...args, attention: true, ssm: false, fading: 'none', eideticSlots: 0});
  }
}

serialization.registerClass(MambaMixer);
serialization.registerClass(Mamba2Mixer);
serialization.registerClass(SlidingWindowAttention);
