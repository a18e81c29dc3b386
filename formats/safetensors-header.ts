// The header of a safetensors file: which tensors lie where. Reading refuses everything that the format forbids, since files
// come from anywhere.

import {BmojoError} from '../errors/bmojo-error.js';
import {shown} from '../errors/shown.js';
import {isCount, isRecord, parseJson} from './json-text.js';

/** A file that is not valid safetensors; the message says where and why. */
export class SafetensorsError extends BmojoError {
  override readonly name = 'SafetensorsError';
  readonly kind = 'damage';
}

/** Bytes of a number. */
export const widths = {F64: 8, F32: 4, I32: 4, F16: 2, BF16: 2} as const;
export type DType = keyof typeof widths;

export interface TensorEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Where a tensor's bytes lie behind the header. */
export interface TensorPlace extends TensorEntry {
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of the data, without gaps. */
  readonly places: readonly TensorPlace[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** Limit that the reference implementation sets too. */
const MAX_HEADER = 100_000_000;
/** Bytes of the length in front of the header. */
export const LENGTH_BYTES = 8;

export function fail(reason: string): never {
  throw new SafetensorsError(`safetensors: ${reason}`);
}

export const sizeOf = (shape: readonly number[]): number =>
  shape.reduce((product, length) => product * length, 1);

/** Length, header and padding of a file with these tensors, one behind the other. Errors: SafetensorsError for a repeated name. */
export function encodeHeader(
  tensors: readonly TensorEntry[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) header.push(['__metadata__', metadata]);
  let offset = 0;
  const seen = new Set(['__metadata__', '__proto__']);
  for (const {name, shape, dtype} of tensors) {
    if (seen.has(name))
      throw new SafetensorsError(`encodeSafetensors: the name ${JSON.stringify(name)} is not free`);
    seen.add(name);
    const end = offset + sizeOf(shape) * widths[dtype];
    header.push([name, {dtype, shape, data_offsets: [offset, end]}]);
    offset = end;
  }
  // Written entry by entry: an object would reorder numeric names.
  const words = header.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const json = new TextEncoder().encode(`{${words.join(',')}}`);
  const padded = Math.ceil((LENGTH_BYTES + json.length) / 8) * 8;
  const bytes = new Uint8Array(padded).fill(0x20, LENGTH_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded - LENGTH_BYTES), true);
  bytes.set(json, LENGTH_BYTES);
  return bytes;
}

/** Bytes of the header behind the length that a file starts with. Errors: SafetensorsError. */
export function headerLength(start: Uint8Array): number {
  if (start.length < LENGTH_BYTES) fail(`${start.length} bytes are too short for a header`);
  const length = new DataView(start.buffer, start.byteOffset, start.byteLength).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER)) fail(`a header of ${length} bytes is too long`);
  return Number(length);
}

/** Where the tensors begin in a file of `fileBytes` bytes that starts with `start`. Errors: SafetensorsError. */
export function dataOffset(start: Uint8Array, fileBytes: number): number {
  const offset = LENGTH_BYTES + headerLength(start);
  if (offset > fileBytes) fail(`the header needs ${offset} bytes, the file has ${fileBytes}`);
  return offset;
}

/**
 * Reads the JSON between the length and the tensors, which take `dataBytes` bytes; where that is not known yet, whoever reads
 * them looks. Errors: SafetensorsError.
 */
export function decodeHeader(json: Uint8Array, dataBytes?: number): SafetensorsHeader {
  let text: string;
  try {
    text = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(json);
  } catch {
    return fail('the header must be UTF-8');
  }
  const header = parseJson(text, reason => fail(`the header ${reason}`));
  if (!isRecord(header)) return fail('the header must be an object');
  const names = topLevelNames(text);
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) fail(`the name ${shown(name)} stands twice`);
    seen.add(name);
  }
  const metadata = new Map<string, string>();
  const places: TensorPlace[] = [];
  for (const name of names) {
    if (name === '__proto__') fail('the name __proto__ is not allowed');
    const value = header[name];
    if (name !== '__metadata__') places.push(parseEntry(name, value));
    else if (!isRecord(value)) fail('__metadata__ must be an object of text');
    else
      for (const [key, word] of Object.entries(value)) {
        if (typeof word !== 'string') return fail(`__metadata__ entry ${shown(key)} must be text`);
        metadata.set(key, word);
      }
  }
  places.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const {name, begin, end} of places) {
    if (begin !== at)
      fail(`${shown(name)} begins at ${begin}, not at ${at}: tensors must not overlap or leave gaps`);
    at = end;
  }
  if (dataBytes !== undefined && at !== dataBytes)
    fail(`the tensors need ${at} bytes behind the header, the file has ${dataBytes} there`);
  return {places, metadata};
}

function parseEntry(name: string, value: unknown): TensorPlace {
  const named = shown(name);
  if (!isRecord(value)) return fail(`${named} must be an object`);
  const {dtype, shape, data_offsets: offsets, ...rest} = value;
  if (Object.keys(rest).length > 0) fail(`${named} has unknown entries ${shown(Object.keys(rest))}`);
  const known = (Object.keys(widths) as DType[]).find(candidate => candidate === dtype);
  if (known === undefined)
    return fail(`${named} must be of dtype ${Object.keys(widths).join(', ')}, got ${shown(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isCount)) return fail(`${named} has no valid shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1])
    return fail(`${named} has no valid data_offsets`);
  const needed = sizeOf(shape) * widths[known];
  if (!Number.isSafeInteger(needed) || offsets[1] - offsets[0] !== needed)
    fail(
      `${named} of shape ${shown(shape)} needs ${needed} bytes, its offsets give ${offsets[1] - offsets[0]}`,
    );
  return {name, dtype: known, shape, begin: offsets[0], end: offsets[1]};
}

/** Names of the outermost object of valid JSON text, repeated ones included, which JSON.parse would hide. */
function topLevelNames(text: string): string[] {
  const names: string[] = [];
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    else if (character === '"') {
      const begin = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === '\\') at++;
      if (depth !== 1) continue;
      let next = at + 1;
      while (' \t\n\r'.includes(text[next])) next++;
      if (text[next] === ':') names.push(JSON.parse(text.slice(begin, at + 1)));
    }
  }
  return names;
}
