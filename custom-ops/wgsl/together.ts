// Several calls of an op in few dispatches: calls share one as far as a device has bindings, each with workgroups of its own.

import type {Dims} from '../op.js';
import {memberName} from '../op.js';

/** One of several calls: its number, and the size of its tensors. */
export interface Member {
  readonly index: number;
  readonly count: number;
}

/** The calls of a plan of several, of an op whose inputs have any shape, in their order. */
export function membersOf(dims: Dims): Member[] {
  return Array.from({length: dims.calls}, (_, index) => ({index, count: dims[memberName('*', index)]}));
}

/** The calls in lists of at most `most`, those of one size beside each other, so that few kernels serve many lists. */
export function shareDispatches(members: readonly Member[], most: number): Member[][] {
  const sorted = [...members].sort((a, b) => a.count - b.count || a.index - b.index);
  const lists: Member[][] = [];
  for (let begin = 0; begin < sorted.length; begin += most) lists.push(sorted.slice(begin, begin + most));
  return lists;
}

/** Where each call's share of a line of workgroups begins, and the length of the line. */
export function shares(workgroups: readonly number[]): {begins: number[]; total: number} {
  let total = 0;
  const begins = workgroups.map(count => {
    const begin = total;
    total += count;
    return begin;
  });
  return {begins, total};
}

/** WGSL that runs the code of the share in which `workgroup` lies; behind the last share nothing. */
export function branches(begins: readonly number[], total: number, codes: readonly string[]): string {
  return codes.map((code, i) => `if (workgroup < ${begins[i + 1] ?? total}u) {${code}\n  }`).join(' else ');
}
