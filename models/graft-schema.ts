// Settings of grafting, without a tensor library.

import {choice, integer} from '../config/schema.js';
import {mixerSchema} from '../layers/mixer-schema.js';

/** Settings of grafting with their defaults, bounds and reasons. */
export const graftSchema = {
  window: integer(
    0,
    0,
    2 ** 24,
    'tokens w attended exactly, and the chunk length; 0 means the window that the layers have',
  ),
  fading: choice(
    ['sliding', 'chunk'],
    'sliding',
    "fading tokens attended: the w before the window, or those before the query's chunk",
  ),
  fadingTokens: mixerSchema.fadingTokens,
  eideticSlots: mixerSchema.eideticSlots,
  ssm: choice(
    ['new', 'nearest'],
    'new',
    'the SSM of a layer without one: of random weights, or a copy of that of the nearest layer with one, the lower of two',
  ),
  ssmKind: mixerSchema.ssmKind,
  stateSize: mixerSchema.stateSize,
  expand: mixerSchema.expand,
  seed: mixerSchema.seed,
} as const;
