// Whether tf computes in plain JavaScript because nobody has asked for a backend, or none of those that it tried has started.

import {getBackend} from '@tensorflow/tfjs-core';

let isFallback = false;

/** To be told at every start of `cpu`: whether tf took it by itself. */
export function noteCpuStart(byItself: boolean): void {
  isFallback = byItself;
}

export function fellBackToCpu(): boolean {
  return isFallback && getBackend() === 'cpu';
}
