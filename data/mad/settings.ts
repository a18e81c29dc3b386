// What the six tasks of MAD (Poli et al., ICML 2024, arXiv 2403.17844) have in common.

import {integer} from '../../config/schema.js';

export const MAD_SOURCE = 'MAD (Poli et al., ICML 2024, arXiv 2403.17844), athms/mad-lab';

/** The models of MAD: two mixers, a SwiGLU after each, heads and states of its size, a head of its own. */
export const madModel = {
  layers: 2,
  dModel: 128,
  mlp: true,
  mlpWidth: 352,
  heads: 16,
  stateSize: 4,
  window: 32,
  tieHead: false,
} as const;

/**
 * The training of MAD: 200 passes over 12,800 samples in batches of 128, no warm-up, no clipping, a cosine to almost 0.
 * Here the cosine falls with every step (there with every pass), numbers are float32 (there bfloat16), and A_log, D, biases and
 * norms do not decay.
 */
export const madTraining = {
  batch: 128,
  steps: 20000,
  rate: 5e-4,
  warmup: 0,
  clip: 0,
  weightDecay: 0,
  evalEvery: 500,
  evalSamples: 1280,
  stopAccuracy: 0.999,
} as const;

export const trainExamples = (count: number) =>
  integer(
    count,
    0,
    2 ** 31 - 1,
    'training samples in all, passed over again and again; 0 draws new ones for ever',
  );
