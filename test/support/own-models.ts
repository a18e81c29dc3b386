// Models of ours, and the layout of the Hub in which each leaves.

import type {ModelConfig} from '../../models/index.js';

const small = {vocabSize: 40, dModel: 16, layers: 2, heads: 4, stateSize: 4, seed: 7} as const;
export const ownModels: Record<string, {given: Partial<ModelConfig>; type: string}> = {
  mamba: {given: {...small, preset: 'mamba'}, type: 'mamba'},
  'mamba with dropout and settings of memories that it does not have': {
    given: {...small, preset: 'mamba', dropout: 0.1, heads: 2, window: 5, deltaRank: 3, expand: 3},
    type: 'mamba',
  },
  'mamba with SwiGLU blocks': {given: {...small, preset: 'mamba', mlp: true}, type: 'bmojo'},
  transformer: {given: {...small, preset: 'transformer', mlp: true, kvHeads: 2}, type: 'llama'},
  'untied transformer': {
    given: {...small, preset: 'transformer', mlp: true, tieHead: false, headBias: false},
    type: 'llama',
  },
  'untied transformer with a bias on its head': {
    given: {...small, preset: 'transformer', mlp: true, tieHead: false},
    type: 'bmojo',
  },
  'transformer without SwiGLU blocks': {given: {...small, preset: 'transformer'}, type: 'bmojo'},
  'window attention': {given: {...small, preset: 'swa', mlp: true, window: 4}, type: 'bmojo'},
  'short convolutions': {
    given: {
      ...small,
      preset: 'transformer',
      mlp: true,
      pattern: 'CT',
      convWidth: 3,
      convBias: false,
      qkNormEpsilon: 1e-5,
    },
    type: 'lfm2',
  },
  mamba2: {given: {...small, preset: 'mamba2', gatedNormEpsilon: 1e-5}, type: 'mamba2'},
  'mamba with an inner width that is no multiple of its own': {
    given: {...small, preset: 'mamba', innerWidth: 24},
    type: 'bmojo',
  },
  'attention beside Mamba-2': {
    given: {
      ...small,
      preset: 'transformer',
      mlp: true,
      ssm: true,
      ssmKind: 'mamba2',
      ssmOutput: 'add',
      gatedNormEpsilon: 0,
      tieHead: false,
      headBias: false,
    },
    type: 'falcon_h1',
  },
  'attention between Mamba-2': {
    given: {
      ...small,
      preset: 'transformer',
      layers: 3,
      mlp: true,
      mlpWidth: 40,
      ssmKind: 'mamba2',
      positions: 'none',
      pattern: 'STS',
    },
    type: 'granitemoehybrid',
  },
  "B'MOJO": {given: {...small, mlp: true, window: 4, eideticSlots: 3}, type: 'bmojo'},
};
