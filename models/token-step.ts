// The step of one token. On webgpu it is recorded once and replayed, as long as only numbers differ from token to token:
// shapes must have come to rest, and where a chunk begins, tokens are selected by other operations.

import type {Tensor2D} from '@tensorflow/tfjs-core';
import {getBackend, reshape, tensor2d, tidy} from '@tensorflow/tfjs-core';
import type {StepRunner} from '../custom-ops/index.js';
import {createStepRunner} from '../custom-ops/index.js';
import type {Attributes} from '../custom-ops/op.js';
import type {LanguageModel, ModelState} from './language-model.js';
import type {StatePlaces} from './state-tensors.js';
import {placesOf, stateOf, tensorsAt} from './state-tensors.js';

export type TokenStepResult = {
  /** [1, V]. */
  readonly logits: Tensor2D;
  readonly state: ModelState;
};

function shapesOf(state: ModelState): string {
  const places = placesOf(state);
  const tensors = tensorsAt(state, places);
  return places.map(([layer, name], i) => `${layer} ${name} ${tensors[i].shape.join()}`).join(';');
}

export class TokenStep {
  private runner: StepRunner | undefined;
  /** Shapes of the state before the last step. */
  private shapes = '';
  private places: StatePlaces = [];

  /** With `capture` false every step goes op by op. */
  constructor(
    private readonly model: LanguageModel,
    private readonly capture: boolean,
  ) {}

  /** Tokens so far whose step was a replay. */
  get replays(): number {
    return this.runner?.replays ?? 0;
  }

  /** Logits after one more token, and the new memory; the old one stays valid until it is disposed. */
  async run(token: number, state: ModelState): Promise<TokenStepResult> {
    this.runner ??= await createStepRunner();
    const shapes = shapesOf(state);
    const isAtRest = shapes === this.shapes;
    this.shapes = shapes;
    const {window, eideticSlots} = this.model.config;
    const beginsChunk = eideticSlots > 0 && state.position % window === 0;
    const isAlike = this.capture && getBackend() === 'webgpu' && isAtRest && !beginsChunk;
    return isAlike
      ? this.runAlike(this.runner, token, state)
      : tidy(() => this.advance(state, tokenOf(token)));
  }

  dispose(): void {
    this.runner?.dispose();
    this.runner = undefined;
  }

  private advance(state: ModelState, ids: Tensor2D): TokenStepResult {
    const next = this.model.advance(ids, state);
    return {
      logits: this.model.logits(reshape(next.hidden, [1, next.hidden.shape[2]])),
      state: next.state,
    };
  }

  private runAlike(runner: StepRunner, token: number, state: ModelState): TokenStepResult {
    const {position, layers} = state;
    const before = placesOf(state);
    const angles = this.model.rotaryInputs(position, 1);
    const [logits, ...tensors] = runner.run({
      inputs: [{values: Int32Array.of(token), shape: [1, 1]}, ...angles],
      tensors: tensorsAt(state, before),
      varying: {memoryAttention: inPhase(position), innovationSelect: inPhase(position)},
      body: ([ids, cosSin], held) => {
        const past = stateOf(position, layers.length, before, held);
        const advance = (): TokenStepResult => this.advance(past, ids as Tensor2D);
        const next = this.model.withRotary(cosSin as Tensor2D | undefined, position, advance);
        this.places = placesOf(next.state);
        return [next.logits, ...tensorsAt(next.state, this.places)];
      },
    });
    return {
      logits: logits as Tensor2D,
      state: stateOf(position + 1, layers.length, this.places, tensors),
    };
  }
}

function tokenOf(token: number): Tensor2D {
  return tensor2d([token], [1, 1], 'int32');
}

/** Attributes of an op that knows where in its chunk the token stands. */
function inPhase(position: number): (recorded: Attributes) => Attributes {
  return recorded => ({...recorded, phase: position % Number(recorded.window)});
}
