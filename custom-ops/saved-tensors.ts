// What tf's tape keeps of a call of ours until its gradient is computed.

import {engine} from '@tensorflow/tfjs-core';
import type {OpDefinition} from './op.js';
import {kernelName} from './op.js';

/**
 * Lets go of what the gradient of the call that was made last does not read, where a tape is on: tf keeps every input. Their
 * shapes can be read on. `present` names the inputs of the call in order.
 */
export function trimSaved(op: Pick<OpDefinition, 'name' | 'inputs'>, present: readonly string[]): void {
  if (!engine().isTapeOn()) return;
  const node = engine().state.activeTape.at(-1);
  if (node?.kernelName !== kernelName(op, 'forward')) return;
  present.forEach((name, place) => {
    if (op.inputs[name].forwardOnly) node.saved?.[place].dispose();
  });
}
