// The step of one token of each sequence. On webgpu it is recorded once for each kind and replayed, as long as only numbers
// differ from token to token: a memory that grows is given room, so that its shapes stay.

import type {Tensor, Tensor2D} from '@tensorflow/tfjs-core';
import {dispose, getBackend, reshape} from '@tensorflow/tfjs-core';
import {runDirectly} from '../custom-ops/backends/step-call.js';
import type {StepCall, StepRunner} from '../custom-ops/index.js';
import {createStepRunner} from '../custom-ops/index.js';
import type {LanguageModel} from './language-model.js';
import type {ModelShapes, ModelState} from './state.js';
import {haveSameShapes, stateFromList, stateList} from './state.js';

/** Kinds of steps that are recorded: each holds the memory of a step. */
const MOST_KINDS = 8;

/** Tokens that a memory is given room for at least. */
const LEAST_ROOM = 256;

export type TokenStepResult = {
  /** [B, V]. */
  readonly logits: Tensor2D;
  readonly state: ModelState;
};

export class TokenStep {
  private runner: StepRunner | undefined;
  /** Replays of recordings of a smaller memory. */
  private earlier = 0;
  /** Room of the memory with which steps were recorded last. */
  private recordedRoom: number | undefined;
  /** The last shapes asked for: those behind one step are those before the next. */
  private known: readonly ModelShapes[] = [];

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
    const room = this.capture && getBackend() === 'webgpu' ? this.roomFor(state) : undefined;
    if (room === undefined) {
      this.dispose(); // what was recorded before fits no later step
      return this.step(tokens, state, runDirectly);
    }
    const {isPassing} = this.model.stepKind(state.position, 1);
    // A memory that is gone on with has the same shapes once it has the same room.
    if (room.isNew && room.tokens !== this.recordedRoom) this.dispose();
    this.recordedRoom = room.tokens;
    const recorder = await this.recorder();
    const roomy = room.isNew ? this.model.withRoom(state, room.tokens) : state;
    try {
      return this.step(tokens, roomy, isPassing ? runDirectly : call => recorder.run(call));
    } finally {
      const given = new Set(stateList(state));
      dispose(stateList(roomy).filter(held => !given.has(held)));
    }
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

  /** Room with which the memory has the same shapes behind the step, where any helps: what it has, or more. */
  private roomFor({position, room}: ModelState): {tokens?: number; isNew: boolean} | undefined {
    const isEnough = (tokens: number | undefined): boolean =>
      haveSameShapes(...this.shapesAround(position, tokens));
    if (isEnough(room)) return {tokens: room, isNew: false};
    const tokens = roomOf(position + 1);
    return isEnough(tokens) ? {tokens, isNew: true} : undefined;
  }

  private shapesAround(
    position: number,
    room: number | undefined,
  ): [before: ModelShapes, after: ModelShapes] {
    return [this.shapesAt(position, room), this.shapesAt(position + 1, room)];
  }

  private shapesAt(position: number, room: number | undefined): ModelShapes {
    const known = this.known.find(shapes => shapes.position === position && shapes.room === room);
    if (known !== undefined) return known;
    const shapes = this.model.stateShapes(position, room);
    this.known = [shapes, ...this.known].slice(0, 2);
    return shapes;
  }

  private step(tokens: Int32Array, state: ModelState, run: (call: StepCall) => Tensor[]): TokenStepResult {
    const {position, room} = state;
    const [before, after] = this.shapesAround(position, room);
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
    const [logits, ...tensors] = run(call);
    return {logits: logits as Tensor2D, state: stateFromList(after, tensors)};
  }
}

/** The least of 256, 384, 512, 768, ... that holds `tokens`: a text outgrows few of them, and little of one is in vain. */
function roomOf(tokens: number): number {
  let room = LEAST_ROOM;
  while (room < tokens) room *= 2;
  return room > LEAST_ROOM && 0.75 * room >= tokens ? 0.75 * room : room;
}
