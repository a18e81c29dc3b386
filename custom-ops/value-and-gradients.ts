// Gradients by a walk back over tf's tape that lets go of memory on its way. tf's own keeps what an operation has saved, and
// the gradient of every tensor between, until the last gradient is there: twice the activations at the end.

import type {Tensor} from '@tensorflow/tfjs-core';
import {add, clone, engine, getGradient, tidy, util} from '@tensorflow/tfjs-core';

type Tape = ReturnType<typeof engine>['state']['activeTape'];
type TapeNode = Tape[number];

/** tf's operations that keep inputs for their gradients, which read their shapes alone. */
const shapesAlone = new Set(['Add', 'Sub', 'Reshape', 'ExpandDims', 'Concat', 'Slice']);

/** A tape that lets go of what such operations keep; a tensor that is disposed has its shape still. */
class TrimmedTape extends Array<TapeNode> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  override push(...nodes: TapeNode[]): number {
    for (const node of nodes) if (shapesAlone.has(node.kernelName)) disposeSaved(node);
    return super.push(...nodes);
  }
}

/** What {@link valueAndGradients} found. */
export interface ValueAndGradients<T extends Tensor> {
  readonly value: T;
  /** Of each input in order. */
  readonly grads: Tensor[];
}

/**
 * The value of a computation and the gradients of `inputs` from the cotangent `dy`, of the value's shape; also where a
 * gradient is taken already: tf's engine has one tape and counts how deep it is in gradients and kernels, and all of it is put
 * aside meanwhile. What an operation has saved is disposed as soon as its gradient is computed, at once where the gradient
 * reads its shape alone, and each gradient between as soon as it is used up, unless someone keeps it. The sums are those of tf's
 * `valueAndGrads`, bit for bit. Errors: Error for an input that the value does not depend on, by `nameOf` of its place, and for a
 * gradient that is missing or not of its input's shape in float32.
 */
export function valueAndGradients<T extends Tensor>(
  compute: () => T,
  inputs: readonly Tensor[],
  dy: Tensor,
  nameOf = (place: number): string => `input ${place}`,
): ValueAndGradients<T> {
  const {state} = engine();
  const {activeTape, gradientDepth, kernelDepth} = state;
  const tape = new TrimmedTape();
  Object.assign(state, {activeTape: tape, gradientDepth: 1, kernelDepth: 0});
  try {
    const value = tidy(compute);
    state.gradientDepth = 0;
    const nodes = between(tape, inputs, value);
    const walked = new Set(nodes.map(({node}) => node));
    for (const node of tape) if (!walked.has(node)) disposeSaved(node);
    return {value, grads: tidy(() => walkBack(nodes, inputs, value, dy, nameOf))};
  } finally {
    for (const node of tape) disposeSaved(node);
    Object.assign(state, {activeTape, gradientDepth, kernelDepth});
  }
}

/** An operation on the way from the inputs to the value, and those of its inputs that lie on it. */
interface Step {
  readonly node: TapeNode;
  readonly names: readonly string[];
}

function between(tape: Tape, inputs: readonly Tensor[], value: Tensor): Step[] {
  const behind = new Set(inputs.map(({id}) => id));
  const leading = new Set([value.id]);
  const steps = tape.flatMap(node => {
    const names = Object.keys(node.inputs).filter(name => behind.has(node.inputs[name].id));
    if (names.length === 0) return [];
    for (const {id} of node.outputs) behind.add(id);
    return [{node, names}];
  });
  return steps
    .reverse()
    .filter(({node, names}) => {
      const leads = node.outputs.some(({id}) => leading.has(id));
      if (leads) for (const name of names) leading.add(node.inputs[name].id);
      return leads;
    })
    .reverse();
}

function walkBack(
  steps: readonly Step[],
  inputs: readonly Tensor[],
  value: Tensor,
  dy: Tensor,
  nameOf: (place: number) => string,
): Tensor[] {
  const wanted = new Set(inputs.map(({id}) => id));
  const gradients = new HeldGradients(clone(dy), value.id);
  for (let at = steps.length - 1; at >= 0; at--) {
    const {node, names} = steps[at];
    const {outputs, gradient} = node;
    if (gradient === undefined) throw new Error(`${node.kernelName} has no gradient`);
    const cotangents = outputs.map(({id}) => gradients.of(id));
    const found = tidy(() => {
      // tf puts zeros in the place of null.
      const byName = gradient(cotangents.map(one => one ?? null) as Tensor[]);
      return names.map(name => checkedGradient(node, name, byName[name]?.()));
    });
    const passed = [...cotangents, ...found];
    for (const {id} of outputs) if (!wanted.has(id)) gradients.forget(id);
    names.forEach((name, i) => {
      const {id} = node.inputs[name];
      const before = gradients.of(id);
      passed.push(before);
      gradients.set(id, before === undefined ? found[i] : add(before, found[i]));
    });
    gradients.dispose(passed);
    for (const one of node.saved ?? []) if (!gradients.holds(one)) one.dispose();
  }
  return inputs.map(({id}, place) => {
    const gradient = gradients.of(id);
    if (gradient === undefined) throw new Error(`the value does not depend on ${nameOf(place)}`);
    return gradient;
  });
}

/** What an operation's gradient function gave for one of its inputs, if it is a gradient of that. */
function checkedGradient({kernelName, inputs}: TapeNode, name: string, given?: Tensor): Tensor {
  const {shape} = inputs[name];
  if (given !== undefined && given.dtype === 'float32' && util.arraysEqual(given.shape, shape)) return given;
  const whose = getGradient(kernelName) === undefined ? 'a function given to tf.customGrad' : kernelName;
  const found = given === undefined ? 'nothing' : `${given.dtype} [${given.shape.join(', ')}]`;
  throw new Error(
    `the gradient of ${whose} for its input ${name} must be float32 [${shape.join(', ')}], as the input is shaped, but it gave ` +
      `${found}; correct what that gradient function returns`,
  );
}

/** Gradients that are not used up, by the number of the tensor that each is of; one may be that of several tensors. */
class HeldGradients {
  private readonly byTensor = new Map<number, Tensor>();
  private readonly uses = new Map<Tensor, number>();
  private readonly first: number;

  constructor(first: Tensor, of: number) {
    this.first = first.id;
    this.set(of, first);
  }

  of(tensor: number): Tensor | undefined {
    return this.byTensor.get(tensor);
  }

  holds(gradient: Tensor): boolean {
    return this.uses.has(gradient);
  }

  set(tensor: number, gradient: Tensor): void {
    this.forget(tensor);
    this.byTensor.set(tensor, gradient);
    this.uses.set(gradient, (this.uses.get(gradient) ?? 0) + 1);
  }

  forget(tensor: number): void {
    const gradient = this.byTensor.get(tensor);
    if (gradient === undefined) return;
    this.byTensor.delete(tensor);
    const uses = (this.uses.get(gradient) ?? 0) - 1;
    if (uses > 0) this.uses.set(gradient, uses);
    else this.uses.delete(gradient);
  }

  /** Of these tensors, those that are made on this walk, that nobody keeps and that are no gradient any more. */
  dispose(tensors: readonly (Tensor | undefined)[]): void {
    for (const one of tensors)
      if (one !== undefined && one.id >= this.first && !one.kept && !this.holds(one)) one.dispose();
  }
}

function disposeSaved({saved = []}: TapeNode): void {
  for (const one of saved) one.dispose();
}
