// Heads of attention as most layouts name them.

import type {CheckpointConfig} from './checkpoint-config.js';

interface AttentionForm {
  /** Width of a head where config.json says none; 0 is the model's, shared out. */
  readonly headWidth?: number;
  /** Key and value heads where config.json does not name them; as many as query heads by default, and where they are null. */
  readonly kvHeads?: number;
  readonly isRotary?: boolean;
}

/** Errors: CheckpointImportError, by the setting's name, for heads that do not fit. */
export function attentionSizes(
  config: CheckpointConfig,
  {headWidth: absent = 0, kvHeads: unnamed, isRotary = true}: AttentionForm = {},
) {
  const heads = config.count('num_attention_heads');
  const kvHeads = config.count(
    'num_key_value_heads',
    config.names('num_key_value_heads') ? heads : (unnamed ?? heads),
  );
  if (heads % kvHeads !== 0) config.fail('num_key_value_heads', `a divisor of the ${heads} query heads`);
  const isGiven = config.has('head_dim') || absent > 0;
  const headWidth = isGiven ? config.count('head_dim', absent) : 0;
  const dModel = config.count('hidden_size');
  if (!isGiven && dModel % heads !== 0)
    config.fail('num_attention_heads', `a divisor of hidden_size ${dModel} where there is no head_dim`);
  const width = isGiven ? headWidth : dModel / heads;
  if (isRotary && width % 2 !== 0)
    config.fail(
      isGiven ? 'head_dim' : 'num_attention_heads',
      `such that heads have an even width, not ${width}: rotary positions turn pairs`,
    );
  return {heads, kvHeads, headWidth};
}
