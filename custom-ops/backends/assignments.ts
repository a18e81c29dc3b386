// Tells who listens when a variable gets another tensor's memory: recorded commands know the memory that it had.

import type {TensorInfo} from '@tensorflow/tfjs-core';
import {Variable} from '@tensorflow/tfjs-core';

type Listener = (before: TensorInfo['dataId']) => void;

const listeners = new Set<Listener>();
let isWatched = false;

/** Calls `listener` before each assignment with the memory that the variable leaves; returns how to stop. */
export function onAssignment(listener: Listener): () => void {
  if (!isWatched) {
    isWatched = true;
    const {assign} = Variable.prototype;
    Variable.prototype.assign = function (this: Variable, value) {
      for (const tell of listeners) tell(this.dataId);
      assign.call(this, value);
    };
  }
  listeners.add(listener);
  return () => listeners.delete(listener);
}
