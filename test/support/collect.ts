// What a process holds, without the garbage that nobody has collected yet.

import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

const collect = collector();

/** Bytes outside JavaScript's heap, which typed arrays take, that something still refers to. */
export function heldBytes(): number {
  collect();
  const {arrayBuffers, external} = process.memoryUsage();
  return Math.max(arrayBuffers, external);
}
