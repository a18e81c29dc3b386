// Passes that bind more buffers than a device allows (8 is all that WebGPU promises): buffers that are only read are
// joined, the smallest first, each copied to its place in a longer one just before the pass. Buffers that are longer than a
// device binds are refused before anything runs.

import {elementwisePass} from '../../../wgsl/elementwise.js';
import type {ElementType, GpuLimits, Pass, Plan} from '../../../wgsl/plan.js';

const wordsOf: Readonly<Record<ElementType, number>> = {
  f32: 1,
  i32: 1,
  u32: 1,
  vec2f: 2,
  vec2u: 2,
  vec4f: 4,
  vec4u: 4,
};

interface Group {
  readonly type: ElementType;
  readonly names: readonly string[];
  readonly words: number;
}

/** Reads grouped until the pass fits: the two smallest groups of a type are joined as often as needed. */
function groupReads(pass: Pass, words: ReadonlyMap<string, number>, most: number): Group[] {
  const groups: Group[] = Object.entries(pass.read).map(([name, type]) => {
    const size = words.get(name);
    if (size === undefined) throw new Error(`bmojo: pass ${pass.name} binds ${name}, whose size is unknown`);
    return {type, names: [name], words: size};
  });
  const writes = Object.keys(pass.write).length;
  while (groups.length + writes > most) {
    const pairs = groups.flatMap((a, i) =>
      groups.slice(i + 1).flatMap(b => (a.type === b.type ? [{a, b, words: a.words + b.words}] : [])),
    );
    if (pairs.length === 0)
      throw new Error(`bmojo: pass ${pass.name} cannot do with the ${most} storage buffers of this device`);
    const {a, b} = pairs.reduce((best, pair) => (pair.words < best.words ? pair : best));
    groups.splice(groups.indexOf(a), 1);
    groups.splice(groups.indexOf(b), 1);
    groups.push({type: a.type, names: [...a.names, ...b.names], words: a.words + b.words});
  }
  return groups;
}

/** Rewrites every `name[index]` of WGSL as `target[offset + u32(index)]`. */
export function redirect(code: string, name: string, target: string, offset: number): string {
  const use = new RegExp(`\\b${name}\\[`, 'g');
  let result = '';
  let from = 0;
  for (let match = use.exec(code); match !== null; match = use.exec(code)) {
    let end = use.lastIndex;
    for (let depth = 1; depth > 0; end++) {
      if (code[end] === '[') depth++;
      if (code[end] === ']') depth--;
    }
    const index = redirect(code.slice(use.lastIndex, end - 1), name, target, offset);
    result += `${code.slice(from, match.index)}${target}[${offset}u + u32(${index})]`;
    from = end;
    use.lastIndex = end;
  }
  return result + code.slice(from);
}

/** The same plan for a device with few bindings; `words` are the sizes of all its buffers in 4-byte words. */
export function fitBindings(plan: Plan, words: ReadonlyMap<string, number>, limits: GpuLimits): Plan {
  const scratch: Record<string, number> = {...plan.scratch};
  const passes = plan.passes.flatMap((pass, index) => {
    const count = Object.keys(pass.read).length + Object.keys(pass.write).length;
    if (count <= limits.storageBuffers) return [pass];
    const copies: Pass[] = [];
    const read: Record<string, ElementType> = {};
    let {code} = pass;
    for (const {type, names, words: total} of groupReads(pass, words, limits.storageBuffers)) {
      if (names.length === 1) {
        read[names[0]] = type;
        continue;
      }
      const joined = `joined${index}_${names[0]}`;
      scratch[joined] = total;
      read[joined] = type;
      let offset = 0;
      for (const name of names) {
        const count = (words.get(name) ?? 0) / wordsOf[type];
        const body = `${joined}[${offset}u + index] = ${name}[index];`;
        const bound = {read: {[name]: type}, write: {[joined]: type}};
        copies.push(elementwisePass({name: `join ${name}`, ...bound, count, body}, limits));
        code = redirect(code, name, joined, offset);
        offset += count;
      }
    }
    return [...copies, {...pass, read, code}];
  });
  return {...plan, scratch, passes};
}

/** Bytes of the largest buffer that a device makes and binds as a whole. */
export function mostBindingBytes({
  maxStorageBufferBindingSize,
  maxBufferSize,
}: Pick<GPUSupportedLimits, 'maxStorageBufferBindingSize' | 'maxBufferSize'>): number {
  return Math.min(maxStorageBufferBindingSize, maxBufferSize);
}

/** In MiB, with one digit behind the point below ten. */
function mebibytes(bytes: number): string {
  const value = bytes / 2 ** 20;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} MiB`;
}

/** How a buffer of so many bytes is refused. `what` asks for it: "bmojo: linear on webgpu needs y". */
export function beyondBinding(what: string, bytes: number, most: number): Error {
  return new Error(
    `${what} in one buffer of ${mebibytes(bytes)}, and this device binds at most ${mebibytes(most)}; ` +
      'take fewer sequences or shorter ones at a time, a smaller model, or a device with larger limits',
  );
}

/** Errors: Error naming the largest of a call's buffers, of `words` 4-byte words, where the device cannot bind it. */
export function checkBindingBytes(
  op: string,
  words: ReadonlyMap<string, number>,
  {bindingBytes}: Pick<GpuLimits, 'bindingBytes'>,
): void {
  let [largest, most] = ['', 0];
  for (const [name, count] of words) if (count > most) [largest, most] = [name, count];
  if (4 * most > bindingBytes)
    throw beyondBinding(`bmojo: ${op} on webgpu needs ${largest}`, 4 * most, bindingBytes);
}
