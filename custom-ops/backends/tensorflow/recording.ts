// What a step asks of TensorFlow, written down: its ops with what they take and give, and the variables that take over
// results. Everything passes tfjs-node's backend object, whose methods are replaced while a recording lasts.

import type {DataId, Tensor, TensorInfo} from '@tensorflow/tfjs-core';
import type {Attributes} from '../../op.js';
import type {HostValues, NodeBackend, OpAttr} from './node-backend.js';

/**
 * What an op takes: the number of a cell, which holds a tensor of this run, or the data of a tensor from outside, such as a
 * weight, whose tensor is looked up when the op runs.
 */
export type Source = number | DataId;

/** An op's call whose numbers differ from run to run: see `StepCall.varying`. */
export interface VaryingCall {
  readonly op: string;
  readonly attrs: Attributes;
  /** TensorFlow's attributes and the words of the vector of numbers for other attributes of the op. */
  renew(attrs: Attributes): {attrs: OpAttr[]; words: number[]};
}

export interface Command {
  readonly name: string;
  attrs: OpAttr[];
  readonly inputs: Source[];
  /** Cells of the results. */
  readonly outputs: number[];
  /** Results that become the memory of variables. */
  readonly taken: {cell: number; by: DataId}[];
  /** The input that holds the numbers of `varying`. */
  varyingAt: number;
  varying: VaryingCall | undefined;
}

/** A tensor that the step makes on the host, the same in every run. */
interface Constant {
  readonly cell: number;
  readonly shape: readonly number[];
  readonly dtype: number;
  readonly values: HostValues;
}

let current: Recording | undefined;

/** Tells the recording under way, if any, that `by` gets the memory of a result. */
export function noteTaken(by: DataId, result: DataId): void {
  current?.take(by, result);
}

/** Tells the recording under way, if any, that the next op takes its numbers from the tensor `numbers`. */
export function noteVarying(numbers: DataId, call: VaryingCall): void {
  current?.expectVarying(numbers, call);
}

export class Recording {
  readonly commands: Command[] = [];
  readonly constants: Constant[] = [];
  /** Data of tensors that were there before. */
  readonly outside = new Set<DataId>();
  /** Why the step cannot be replayed. */
  refusal: string | undefined;
  /** Number of cells. */
  cells = 0;
  /** What two recordings of the same step have in common. */
  private readonly log: string[] = [];
  private readonly cellOf = new Map<DataId, number>();
  private readonly madeHere = new Set<DataId>();
  private expected: {numbers: DataId; call: VaryingCall} | undefined;
  private isExecuting = false;

  /** `given`: data of the inputs and tensors of the step, which get the first cells; `varying`: ops whose numbers may change. */
  constructor(
    private readonly backend: NodeBackend,
    given: readonly DataId[],
    private readonly varying: ReadonlySet<string>,
  ) {
    for (const dataId of given) this.cellOf.set(dataId, this.cells++);
  }

  /** Whether another recording is of the same step. */
  equals({log, constants}: Recording): boolean {
    return (
      log.length === this.log.length &&
      log.every((line, i) => line === this.log[i]) &&
      constants.length === this.constants.length &&
      constants.every(({values}, i) => areEqual(values, this.constants[i].values))
    );
  }

  /** The cell of a tensor that the step computed. */
  resultOf({dataId}: TensorInfo): number | undefined {
    const cell = this.cellOf.get(dataId);
    return this.commands.some(({outputs}) => outputs.includes(cell ?? -1)) ? cell : undefined;
  }

  /** Runs `body` and writes down what it asks for. */
  record<T>(body: () => T): T {
    const {backend} = this;
    const {binding, executeSingleOutput, executeMultipleOutputs, move} = backend;
    const single = executeSingleOutput.bind(backend);
    const multiple = executeMultipleOutputs.bind(backend);
    const refuse = (why: string): void => {
      this.refusal ??= why;
    };
    backend.executeSingleOutput = (name, attrs, inputs) =>
      this.execute(name, attrs, inputs, () => [single(name, attrs, inputs)])[0];
    backend.executeMultipleOutputs = (name, attrs, inputs, outputs) =>
      this.execute(name, attrs, inputs, () => multiple(name, attrs, inputs, outputs));
    backend.move = (dataId, ...rest) => {
      this.madeHere.add(dataId);
      move.call(backend, dataId, ...rest);
    };
    backend.binding = Object.create(binding, {
      executeOp: {
        value: (...call: Parameters<typeof binding.executeOp>) => {
          if (!this.isExecuting) refuse(`it runs ${call[0]} in a way of its own`);
          return binding.executeOp(...call);
        },
      },
      tensorDataSync: {
        value: (id: number) => {
          refuse('it reads values back');
          return binding.tensorDataSync(id);
        },
      },
    }) as typeof binding;
    current = this;
    try {
      return body();
    } finally {
      current = undefined;
      Object.assign(backend, {binding, executeSingleOutput, executeMultipleOutputs, move});
    }
  }

  take(by: DataId, result: DataId): void {
    const cell = this.cellOf.get(result);
    const command = this.commands.find(({outputs}) => outputs.includes(cell ?? -1));
    if (cell === undefined || command === undefined)
      throw new Error('bmojo: a variable takes over no result');
    command.taken.push({cell, by});
    this.note(`take ${cell} ${this.sourceOf(by)}`);
  }

  expectVarying(numbers: DataId, call: VaryingCall): void {
    if (this.varying.has(call.op)) this.expected = {numbers, call};
  }

  private execute(name: string, attrs: OpAttr[], inputs: TensorInfo[], run: () => Tensor[]): Tensor[] {
    const expected = this.expected;
    this.expected = undefined;
    const varyingAt =
      expected === undefined ? -1 : inputs.findIndex(({dataId}) => dataId === expected.numbers);
    const sources = inputs.map(({dataId}, i) => (i === varyingAt ? -1 : this.sourceFrom(name, dataId)));
    this.isExecuting = true;
    let results: Tensor[];
    try {
      results = run();
    } finally {
      this.isExecuting = false;
    }
    const outputs = results.map(({dataId}) => this.newCell(dataId));
    const varying = expected?.call;
    this.commands.push({name, attrs, inputs: sources, outputs, taken: [], varyingAt, varying});
    const told = varying === undefined ? JSON.stringify(attrs) : 'varying';
    const shapes = results.map(({shape, dtype}) => `${dtype} ${shape.join()}`).join(' ');
    this.note(`${name} ${told} (${sources.map(source => this.nameOf(source)).join()}) ${shapes}`);
    return results;
  }

  private sourceFrom(name: string, dataId: DataId | undefined): Source {
    if (dataId === undefined) {
      this.refusal ??= `${name} takes a number of 64 bits`;
      return -1;
    }
    const known = this.cellOf.get(dataId);
    if (known !== undefined) return known;
    if (!this.madeHere.has(dataId)) {
      this.outside.add(dataId);
      return dataId;
    }
    const {shape, dtype, values} = this.backend.tensorMap.get(dataId);
    const cell = this.newCell(dataId);
    if (values === null || Array.isArray(values)) this.refusal ??= `${name} takes text from the host`;
    else this.constants.push({cell, shape: [...shape], dtype, values: values.slice()});
    this.note(`constant ${dtype} ${shape.join()}`);
    return cell;
  }

  private sourceOf(dataId: DataId): string {
    this.outside.add(dataId);
    return this.nameOf(dataId);
  }

  private nameOf(source: Source): string {
    return typeof source === 'number' ? String(source) : `outside ${numberOf(source)}`;
  }

  private newCell(dataId: DataId): number {
    this.cellOf.set(dataId, this.cells);
    return this.cells++;
  }

  private note(line: string): void {
    this.log.push(line);
  }
}

const numbers = new WeakMap<DataId, number>();
let counted = 0;

/** A number of a tensor's data, for comparison. */
function numberOf(dataId: DataId): number {
  const known = numbers.get(dataId);
  if (known !== undefined) return known;
  numbers.set(dataId, counted);
  return counted++;
}

function areEqual(a: HostValues, b: HostValues): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}
