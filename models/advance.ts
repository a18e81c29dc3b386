// Tokens on their way through the blocks of a model, with or without a memory of those before.

import type {Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {dispose} from '@tensorflow/tfjs-core';
import type {RetrievedRows, StateTree, StepContext, TrainingCall} from '../layers/index.js';
import {disposeState} from '../layers/index.js';
import {START} from '../layers/step-context.js';
import type {StorageVisit} from './mixer-blocks.js';
import {isMixerBlock, retrievedFor} from './mixer-blocks.js';
import type {ModelParts} from './model-parts.js';
import {recomputed} from './recompute.js';
import type {ModelState} from './state.js';

/** How blocks are computed. */
interface Walk {
  /** Whether a block keeps its input alone for the gradient. */
  readonly recompute: boolean;
}

/** Hidden states [B, L, D] behind a step, and the memory of its tokens. */
export interface Advanced {
  readonly hidden: Tensor3D;
  readonly state: ModelState;
}

/** Hidden states after the final norm: tokens [B, L] int32 -> [B, L, D]. */
export function hiddenOf(
  {embedding, blocks}: ModelParts,
  tokens: Tensor2D,
  {recompute, training}: Walk & {readonly training?: TrainingCall},
): Tensor3D {
  let x = embedding.apply(tokens, {...training}) as Tensor3D;
  for (const block of blocks) {
    x = recompute
      ? recomputed(block, x, {context: {...START, training}}).y
      : (block.apply(x, {...training}) as Tensor3D);
  }
  return x;
}

/** Hidden states of the next tokens [B, L] int32 and the new memory. */
export function advanced(
  {embedding, blocks}: ModelParts,
  tokens: Tensor2D,
  {position, room, layers: past}: ModelState,
  {recompute, context}: Walk & {readonly context: StepContext},
): Advanced {
  const layers: StateTree[] = [];
  let x = embedding.apply(tokens, {...context.training}) as Tensor3D;
  blocks.forEach((block, index) => {
    const previous = x;
    const result = recompute
      ? recomputed(block, previous, {past: past[index], context})
      : block.step(previous, past[index], context);
    previous.dispose();
    layers.push(result.state);
    x = result.y;
  });
  return {hidden: x, state: {position: position + tokens.shape[1], room, layers}};
}

/** As `advanced`, where a store outside the model holds what left the windows: `retrieve` is asked on the way. */
export async function advancedWith(
  retrieve: (visit: StorageVisit) => Promise<RetrievedRows | undefined>,
  {embedding, blocks}: ModelParts,
  tokens: Tensor2D,
  {position, layers: past}: ModelState,
  context: StepContext,
): Promise<Advanced> {
  const mixers = blocks.filter(isMixerBlock);
  const layers: StateTree[] = [];
  let x = embedding.apply(tokens) as Tensor3D;
  try {
    for (const [index, block] of blocks.entries()) {
      const layer = isMixerBlock(block) ? mixers.indexOf(block) : -1;
      const outside = await retrievedFor(retrieve, mixers[layer], {layer, input: x, context});
      const result = block.step(x, past[index], {...context, outside});
      x.dispose();
      if (outside?.retrieved !== undefined) dispose({...outside.retrieved});
      layers.push(result.state);
      x = result.y;
    }
  } catch (error) {
    x.dispose();
    layers.forEach(disposeState);
    throw error;
  }
  return {hidden: x, state: {position: position + tokens.shape[1], layers}};
}
