// A recorded step made ready to run: ops whose results nobody uses are left out, and every tensor is let go where it was
// used last.

import type {Attributes} from '../../op.js';
import type {StepCall} from '../step-call.js';
import type {NativeTensor, NodeBackend} from './node-backend.js';
import type {Command, Recording} from './recording.js';

interface Instruction {
  readonly command: Command;
  /** The tensors of this run that the op takes. */
  readonly given: number[];
  /** Cells to let go afterwards. */
  readonly freed: number[];
}

export class Program {
  private readonly instructions: readonly Instruction[];
  /** TensorFlow's number of the tensor in each cell; -1: none. */
  private readonly ids: number[];
  private readonly constants: readonly number[];
  /** By op, the commands of each call: calls made together, which share their attributes, are one. */
  private readonly calls = new Map<string, {readonly attrs: Attributes; readonly commands: Command[]}[]>();

  /** `results`: the cells of what the step returns. */
  constructor(
    private readonly backend: NodeBackend,
    recording: Recording,
    private readonly results: readonly number[],
  ) {
    const {binding} = backend;
    this.ids = new Array<number>(recording.cells).fill(-1);
    this.constants = recording.constants.map(({cell, shape, dtype, values}) => {
      this.ids[cell] = binding.createTensor(shape, dtype, values);
      return this.ids[cell];
    });
    for (const command of recording.commands) {
      if (command.varying === undefined) continue;
      const {op, attrs} = command.varying;
      const calls = this.calls.get(op) ?? [];
      const last = calls.at(-1);
      if (last?.attrs === attrs) last.commands.push(command);
      else this.calls.set(op, [...calls, {attrs, commands: [command]}]);
    }
    this.instructions = instructionsOf(recording.commands, new Set(results));
  }

  /** `given`: the tensors of the step's inputs, which stay the caller's. Returns the results. */
  run(given: readonly number[], varying: NonNullable<StepCall['varying']>): NativeTensor[] {
    const {backend, ids} = this;
    const {binding, tensorMap} = backend;
    given.forEach((id, cell) => {
      ids[cell] = id;
    });
    const vectors = this.vary(varying);
    const found = new Map<number, NativeTensor>();
    const live = new Set<number>();
    try {
      for (const {command, given: taking, freed} of this.instructions) {
        const {inputs, outputs, taken} = command;
        for (let i = 0; i < inputs.length; i++) {
          const source = inputs[i];
          taking[i] = typeof source === 'number' ? ids[source] : tensorMap.get(source).id;
        }
        if (command.varyingAt >= 0) taking[command.varyingAt] = vectors.get(command) ?? -1;
        const made = binding.executeOp(command.name, command.attrs, taking, outputs.length);
        for (let i = 0; i < outputs.length; i++) {
          ids[outputs[i]] = made[i].id;
          live.add(outputs[i]);
          if (this.results.includes(outputs[i])) found.set(outputs[i], made[i]);
        }
        for (const {cell, by} of taken) {
          const entry = tensorMap.get(by);
          const old = entry.id;
          entry.id = ids[cell];
          live.delete(cell);
          binding.deleteTensor(old);
        }
        for (const cell of freed) {
          binding.deleteTensor(ids[cell]);
          live.delete(cell);
        }
      }
      for (const cell of this.results) live.delete(cell);
      return this.results.map(cell => found.get(cell) as NativeTensor);
    } finally {
      for (const cell of live) binding.deleteTensor(ids[cell]); // after an error
      for (const id of new Set(vectors.values())) binding.deleteTensor(id);
    }
  }

  dispose(): void {
    for (const id of this.constants) this.backend.binding.deleteTensor(id);
  }

  /** Uploads the numbers of this run, those of equal calls once. */
  private vary(given: NonNullable<StepCall['varying']>): Map<Command, number> {
    const {binding} = this.backend;
    const vectors = new Map<Command, number>();
    const known = new Map<string, number>();
    for (const [op, attributes] of Object.entries(given)) {
      const calls = this.calls.get(op) ?? [];
      if (typeof attributes !== 'function' && attributes.length !== calls.length)
        throw new Error(
          `captured step: varying.${op} must hold ${calls.length} sets of attributes, one for each call, got ${attributes.length}`,
        );
      calls.forEach(({attrs: recorded, commands}, i) => {
        const own: Attributes = typeof attributes === 'function' ? attributes(recorded) : attributes[i];
        for (const command of commands) {
          if (command.varying === undefined) continue;
          const {attrs, words} = command.varying.renew(own);
          command.attrs = attrs;
          const key = words.join();
          const id =
            known.get(key) ?? binding.createTensor([words.length], binding.TF_INT32, Int32Array.from(words));
          known.set(key, id);
          vectors.set(command, id);
        }
      });
    }
    return vectors;
  }
}

/** Goes backwards: what comes first is then the last use. */
function instructionsOf(commands: readonly Command[], results: ReadonlySet<number>): Instruction[] {
  const computed = new Set(commands.flatMap(({outputs}) => outputs));
  const used = new Set<number>(results);
  const kept: Instruction[] = [];
  for (const command of [...commands].reverse()) {
    const {inputs, outputs, taken} = command;
    const isWanted = outputs.length === 0 || taken.length > 0 || outputs.some(cell => used.has(cell));
    if (!isWanted) continue;
    for (const {cell} of taken) used.add(cell); // the variable's from then on
    const freed: number[] = [];
    for (const cell of [...inputs, ...outputs]) {
      if (typeof cell !== 'number' || !computed.has(cell) || used.has(cell)) continue;
      used.add(cell);
      freed.push(cell);
    }
    kept.push({command, given: inputs.map(() => -1), freed});
  }
  return kept.reverse();
}
