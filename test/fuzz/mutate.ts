// Changes to files, structural and numeric, all drawn from one random stream: the same seed and number give the same bytes.

import type {Random as RandomStream} from '../../data/random.js';

/** What kind of bytes a file holds. */
export type FileKind = 'json' | 'jsonl' | 'safetensors' | 'binary' | 'text';

type Json = unknown;

const below = (random: RandomStream, most: number): number => Math.floor(random.uniform() * most);
const pick = <T>(random: RandomStream, values: readonly T[]): T => values[below(random, values.length)];

/** Stands for nesting deeper than JSON.stringify could write. */
const DEEP = '@deep@';
/** Stands for a name that an object of JavaScript would not take as one. */
const PROTO = '@proto@';
const deepText = (random: RandomStream): string => {
  const depth = pick(random, [10, 150, 201, 5000, 30_000]);
  return random.uniform() < 0.5
    ? `${'['.repeat(depth)}${']'.repeat(depth)}`
    : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
};

const strange: readonly Json[] = [
  ...[null, true, false, 0, -1, 1, 1.5, -7, 1e308, 5e-324, 2 ** 16, 2 ** 24, 2 ** 31, 2 ** 32, 2 ** 53],
  ...['', '0', 'x', '../..', '/etc/passwd', '__proto__', 'constructor', '\u001b[31m\n\u0000\u202e'],
  ...['x'.repeat(50_000), '\ud800', [], {}, [1, 2, 3], {a: 1}, [[]], DEEP],
];

/** Every place of a JSON value: its holder and key. */
function places(value: Json, found: [Record<string, Json>, string][] = []): [Record<string, Json>, string][] {
  if (typeof value !== 'object' || value === null) return found;
  const holder = value as Record<string, Json>;
  for (const key of Object.keys(holder).slice(0, 200)) {
    found.push([holder, key]);
    places(holder[key], found);
  }
  return found;
}

function changeValue(random: RandomStream, value: Json): Json {
  if (typeof value === 'number' && random.uniform() < 0.7)
    return pick(random, [value + 1, value - 1, -value, value * 2, value / 2, value + 0.5, value * 1e6]);
  if (typeof value === 'string' && value.length > 0 && random.uniform() < 0.4) {
    const at = below(random, value.length);
    return value.slice(0, at) + pick(random, ['a', '0', '', '\n', '..', '/']) + value.slice(at + 1);
  }
  return structuredClone(pick(random, strange));
}

/** One structural change of a JSON value, in place; returns the value. */
function changeJson(random: RandomStream, value: Json): Json {
  const all = places(value);
  if (all.length === 0 || random.uniform() < 0.02) return structuredClone(pick(random, strange));
  const [holder, key] = pick(random, all);
  const [other, otherKey] = pick(random, all);
  const change = below(random, 10);
  if (change < 5) holder[key] = changeValue(random, holder[key]);
  else if (change === 5) Array.isArray(holder) ? holder.splice(Number(key), 1) : delete holder[key];
  else if (change === 6)
    holder[pick(random, ['x', PROTO, key.toUpperCase(), `${key}2`])] = structuredClone(holder[key]);
  else if (change === 7) {
    const kept = structuredClone(holder[key]);
    holder[key] = structuredClone(other[otherKey]);
    if (random.uniform() < 0.5) other[otherKey] = kept;
  } else if (change === 8 && Array.isArray(holder)) holder.push(...holder.slice(0, 1 + below(random, 3)));
  else {
    const own = holder[key];
    delete holder[key];
    holder[pick(random, ['renamed', '', key.slice(1), '\u001b[2J'])] = own;
  }
  return value;
}

function textOf(random: RandomStream, value: Json): string {
  return (JSON.stringify(value) ?? 'null')
    .replaceAll(`"${DEEP}"`, () => deepText(random))
    .replaceAll(PROTO, '__proto__');
}

function mutateJson(random: RandomStream, text: string): string {
  if (random.uniform() < 0.15) return mutateText(random, text);
  let value: Json = JSON.parse(text);
  for (let times = 1 + below(random, 3); times > 0; times--) value = changeJson(random, value);
  return textOf(random, value);
}

function mutateText(random: RandomStream, text: string): string {
  const [at, end] = [below(random, text.length + 1), below(random, text.length + 1)].sort((a, b) => a - b);
  switch (below(random, 5)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(end);
    case 2:
      return text.slice(0, end) + text.slice(at);
    case 3:
      return (
        text.slice(0, at) +
        pick(random, ['"', '{', ']', '\u0000', '\n', '9', '-', 'e999', ',']) +
        text.slice(at)
      );
    default:
      return text.slice(0, at) + deepText(random) + text.slice(at);
  }
}

function mutateBytes(random: RandomStream, bytes: Uint8Array): Uint8Array {
  const at = below(random, bytes.length);
  const end = Math.min(bytes.length, at + 1 + below(random, 64));
  const changed = Uint8Array.from(bytes);
  switch (below(random, 7)) {
    case 0:
      return changed.subarray(0, at);
    case 1:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(end)]);
    case 2:
      return Uint8Array.from([...bytes.subarray(0, end), ...bytes.subarray(at)]);
    case 3:
      changed[at] ^= 1 << below(random, 8);
      return changed;
    case 4:
      return changed.fill(pick(random, [0, 0xff, 0x7f, 0x80]), at, end);
    case 5:
      return Uint8Array.from([...bytes, ...bytes.subarray(at, end)]);
    default:
      for (let i = 0; i < 8 && at + i < changed.length; i++) changed[at + i] = below(random, 256);
      return changed;
  }
}

function mutateSafetensors(random: RandomStream, bytes: Uint8Array): Uint8Array {
  if (random.uniform() < 0.35) return mutateBytes(random, bytes);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  const json = new TextEncoder().encode(mutateJson(random, header));
  const changed = new Uint8Array(8 + json.length + bytes.length - 8 - length);
  new DataView(changed.buffer).setBigUint64(0, BigInt(json.length), true);
  changed.set(json, 8);
  changed.set(bytes.subarray(8 + length), 8 + json.length);
  return changed;
}

/** Other bytes than those given, or by chance the same. */
export function mutate(random: RandomStream, kind: FileKind, bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(below(random, 256));
  const text = (): string => new TextDecoder().decode(bytes);
  const encode = (changed: string): Uint8Array => new TextEncoder().encode(changed);
  switch (kind) {
    case 'json':
      return random.uniform() < 0.05 ? mutateBytes(random, bytes) : encode(mutateJson(random, text()));
    case 'jsonl': {
      const lines = text().split('\n');
      const line = below(random, lines.length);
      if (lines[line] === '' || random.uniform() < 0.2) return encode(mutateText(random, text()));
      lines[line] = mutateJson(random, lines[line]);
      return encode(lines.join('\n'));
    }
    case 'safetensors':
      return mutateSafetensors(random, bytes);
    case 'text':
      return random.uniform() < 0.5 ? mutateBytes(random, bytes) : encode(mutateText(random, text()));
    case 'binary':
      return mutateBytes(random, bytes);
    default:
      return kind satisfies never;
  }
}
