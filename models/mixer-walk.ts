// A walk through a model that stops at its mixers: what each is given, what it does with it, what it is given instead.

import type {Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {add, tidy} from '@tensorflow/tfjs-core';
import type {
  MixerAnalysis,
  MixerAnalysisState,
  MixerStepAnalysis,
  StateTree,
  StepContext,
} from '../layers/index.js';
import type {MixerVisit} from './mixer-blocks.js';
import {isMixerBlock} from './mixer-blocks.js';
import type {ModelParts} from './model-parts.js';
import type {ModelState} from './state.js';

/** Stops at every mixer, and goes on with the output that it is answered with. */
export function* walkMixers(
  {embedding, blocks}: ModelParts,
  tokens: Tensor2D,
): Generator<MixerVisit, Tensor3D, Tensor3D> {
  let x = embedding.apply(tokens) as Tensor3D;
  for (const block of blocks) {
    const before = x;
    if (isMixerBlock(block)) {
      const input = tidy(() => block.normalise(before));
      let y: Tensor3D | undefined;
      try {
        y = yield {mixer: block.layer, input};
      } finally {
        input.dispose();
        if (y === undefined) before.dispose(); // whoever walks went no further
      }
      x = add(before, y);
    } else x = tidy(() => block.apply(before) as Tensor3D);
    before.dispose();
  }
  return x;
}

/** What every mixer does with tokens [B, L] int32, in order of the layers. */
export function analyzeMixers(parts: ModelParts, tokens: Tensor2D): MixerAnalysis[] {
  const analyses: MixerAnalysis[] = [];
  const walk = walkMixers(parts, tokens);
  let visit = walk.next();
  while (!visit.done) {
    const {mixer, input} = visit.value;
    const analysis = mixer.analyze(input);
    analyses.push(analysis);
    visit = walk.next(analysis.y);
  }
  visit.value.dispose();
  return analyses;
}

/** The memory with which `analyzeMixersStep` begins `batch` sequences. */
export function initialAnalysis({blocks}: ModelParts, batch: number): ModelState {
  const layers = blocks.map(block =>
    isMixerBlock(block) ? block.layer.initialAnalysis() : block.initialState(batch),
  );
  return {position: 0, layers};
}

/** What every mixer does with the next tokens [B, L] int32, in order of the layers, and what their successors are analysed with. */
export function analyzeMixersStep(
  {embedding, blocks}: ModelParts,
  tokens: Tensor2D,
  {position, layers}: ModelState,
  rotary: () => StepContext['rotary'],
): {analyses: Omit<MixerStepAnalysis, 'y' | 'state'>[]; state: ModelState} {
  return tidy(() => {
    const context: StepContext = {rotary: rotary(), position};
    const analyses: Omit<MixerStepAnalysis, 'y' | 'state'>[] = [];
    const next: StateTree[] = [];
    let x = embedding.apply(tokens) as Tensor3D;
    for (const [index, block] of blocks.entries()) {
      const before = x;
      if (isMixerBlock(block)) {
        const past = layers[index] as MixerAnalysisState;
        const {y, state, ...analysis} = block.layer.analyzeStep(block.normalise(before), past, context);
        analyses.push(analysis);
        next.push(state);
        x = add(before, y);
        y.dispose();
      } else {
        const result = block.step(before, layers[index], context);
        next.push(result.state);
        x = result.y;
      }
      before.dispose();
    }
    return {analyses, state: {position: position + tokens.shape[1], layers: next}};
  });
}
