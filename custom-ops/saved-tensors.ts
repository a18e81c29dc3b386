// What tf's tape keeps of a call of ours until its gradient is computed: nothing that the gradient does not read, and, where
// it is asked for, the large tensors packed. tf has clones of all inputs and of the outputs that it was told of; those are
// changed in its list.

import type {Tensor} from '@tensorflow/tfjs-core';
import {backend, engine, keep} from '@tensorflow/tfjs-core';
import type {OpDefinition} from './op.js';
import {kernelName} from './op.js';

/** How large tensors are kept for gradients. Neither is recorded on a tape. */
export interface Packing {
  /** Less memory than `x` has, in a tensor of its own. */
  pack(x: Tensor): Tensor;
  /** What was packed of a tensor of this shape, in a tensor of its own. */
  unpack(kept: Tensor, shape: readonly number[]): Tensor;
}

interface Copy {
  readonly info: Pick<Tensor, 'dataId' | 'shape' | 'dtype'>;
  readonly by: Packing;
}

let current: Packing | undefined;

/** The packed copy of a memory, so that all who keep it share one; and by what each copy was packed. */
const copies = new WeakMap<object, Copy>();
const packings = new WeakMap<object, Packing>();

/** Runs `body`, in which what ops keep for gradients is packed; undefined: kept as it is. */
export function withPacking<T>(packing: Packing | undefined, body: () => T): T {
  const before = current;
  current = packing;
  try {
    return body();
  } finally {
    current = before;
  }
}

/** `x` packed; a tensor of its own that shares the memory of an earlier copy where there is one. */
function packed(x: Tensor, by: Packing): Tensor {
  const known = copies.get(x.dataId);
  // A copy lives as long as somebody keeps it.
  if (known?.by === by && engine().state.tensorInfo.has(known.info.dataId)) {
    backend().incRef(known.info.dataId);
    return engine().makeTensorFromTensorInfo(known.info);
  }
  const copy = by.pack(x);
  const {dataId, shape, dtype} = copy;
  copies.set(x.dataId, {info: {dataId, shape, dtype}, by});
  packings.set(dataId, by);
  return copy;
}

/**
 * Changes what was kept of the call that was made last, where a tape is on. Tensors that are not kept are disposed, though
 * their shapes can be read on. `present` names the inputs of the call in order.
 */
export function trimSaved(
  op: Pick<OpDefinition, 'name' | 'inputs' | 'outputs'>,
  present: readonly string[],
): void {
  if (!engine().isTapeOn()) return;
  const node = engine().state.activeTape.at(-1);
  const saved = node?.saved;
  if (saved === undefined || node?.kernelName !== kernelName(op, 'forward')) return;
  const packing = current;
  present.forEach((name, place) => {
    if (op.inputs[name].forwardOnly) saved[place].dispose();
  });
  if (packing === undefined) return;
  const keptOutputs = Object.values(op.outputs).filter(({role}) => role !== 'result');
  [...present.map(name => op.inputs[name]), ...keptOutputs].forEach(({keptNarrow}, place) => {
    if (!keptNarrow) return;
    const whole = saved[place];
    saved[place] = keep(packed(whole, packing));
    whole.dispose();
  });
}

/** What was kept of a tensor of this shape: itself, or unpacked a tensor that is its reader's to dispose. */
export function unpackedSaved(kept: Tensor, shape: readonly number[]): Tensor {
  return packings.get(kept.dataId)?.unpack(kept, shape) ?? kept;
}
