import type {Layout} from '../layout.js';
import {mamba, mambaPlaces, mambaSettings} from './mamba.js';

/** Mamba-1 with norms of step sizes, B and C (Falcon Mamba, arXiv 2410.05355). */
export const falconMamba: Layout = {
  modelType: 'falcon_mamba',
  architecture: 'FalconMambaForCausalLM',
  settings: config => ({
    ...mambaSettings(config),
    ssmNormEpsilon: config.positiveEpsilon('mixer_rms_eps', 1e-6),
  }),
  places: () => mambaPlaces,
  describe: config => ({...mamba.describe(config), mixer_rms_eps: config.ssmNormEpsilon}),
};
