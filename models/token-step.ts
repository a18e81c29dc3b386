// The step of one token of each sequence. On webgpu it is recorded once for each kind and replayed, as long as only numbers differ from token
// to token: the shapes of the memory must have come to rest.

import type {Tensor, Tensor2D} from '@tensorflow/tfjs-core';
import {getBackend, reshape} from '@tensorflow/tfjs-core';
import {runDirectly} from '../custom-ops/backends/step-call.js';
import type {StepCall, StepRunner} from '../custom-ops/index.js';
import {createStepRunner} from '../custom-ops/index.js';
import type {LanguageModel} from './language-model.js';
import type {ModelState} from './state.js';
import {haveSameShapes, stateFromList, stateList} from './state.js';

/** Kinds of steps that are recorded: each holds the memory of a step. */
const MOST_KINDS = 8;

export type TokenStepResult = {
  /** [B, V]. */
  readonly logits: Tensor2D;
  readonly state: ModelState;
};

export class TokenStep {
  private runner: StepRunner | undefined;
  /** Replays of recordings of a smaller memory. */
  private earlier = 0;

  /** With `capture` false every step goes op by op. */
  constructor(
    private readonly model: LanguageModel,
    private readonly capture: boolean,
  ) {}

  /** Tokens so far whose step was a replay. */
  get replays(): number {
    return this.earlier + (this.runner?.replays ?? 0);
  }

  /** Logits after one more token of each of B sequences, and the new memory; the old one stays valid until it is disposed. */
  async run(tokens: Int32Array, state: ModelState): Promise<TokenStepResult> {
    const {position} = state;
    const [before, after] = [position, position + 1].map(at => this.model.stateShapes(at));
    const isAlike = this.capture && getBackend() === 'webgpu' && haveSameShapes(before, after);
    const {name, varying} = this.model.stepKind(position, 1);
    const call: StepCall = {
      kind: name,
      inputs: [{values: tokens, shape: [tokens.length, 1]}, ...this.model.hostInputs(position, 1)],
      tensors: stateList(state),
      varying,
      body: ([ids, ...host], held) => {
        const past = stateFromList(before, held);
        const next = this.model.advance(ids as Tensor2D, past, this.model.contextOf(host));
        const logits = this.model.logits(reshape(next.hidden, [tokens.length, next.hidden.shape[2]]));
        return [logits, ...stateList(next.state)];
      },
    };
    const [logits, ...tensors] = isAlike ? (await this.recorder()).run(call) : this.runOnce(call);
    return {logits: logits as Tensor2D, state: stateFromList(after, tensors)};
  }

  dispose(): void {
    this.earlier = this.replays;
    this.runner?.dispose();
    this.runner = undefined;
  }

  private async recorder(): Promise<StepRunner> {
    this.runner ??= await createStepRunner({kinds: MOST_KINDS});
    return this.runner;
  }

  /** A step behind which the memory has other shapes: what was recorded before fits no later step. */
  private runOnce(call: StepCall): Tensor[] {
    this.dispose();
    return runDirectly(call);
  }
}
