// The safetensors format: eight bytes of header length, a JSON header, then the tensors' bytes without gaps.
// Reading refuses everything that the format forbids, since files come from anywhere.

import {BmojoError} from '../errors/bmojo-error.js';

/** A file that is not valid safetensors; the message says where and why. */
export class SafetensorsError extends BmojoError {
  override readonly name = 'SafetensorsError';
  readonly kind = 'damage';
}

export type SafetensorsData = Float32Array | Float64Array | Int32Array;

export interface NamedTensorData {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: SafetensorsData;
}

export interface SafetensorsFile {
  readonly tensors: readonly NamedTensorData[];
  readonly metadata: ReadonlyMap<string, string>;
}

interface Entry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const widths = {F64: 8, F32: 4, I32: 4, F16: 2, BF16: 2} as const;
type DType = keyof typeof widths;

/** Limit of the header that the reference implementation sets too. */
const MAX_HEADER = 100_000_000;

function dtypeOf(data: SafetensorsData): DType {
  if (data instanceof Float32Array) return 'F32';
  return data instanceof Float64Array ? 'F64' : 'I32';
}

const size = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/**
 * Bytes of a safetensors file with the tensors in the order given.
 * Errors: SafetensorsError for a repeated name or a shape that does not hold the data.
 */
export function encodeSafetensors(
  tensors: readonly NamedTensorData[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) header.push(['__metadata__', metadata]);
  let offset = 0;
  const seen = new Set(['__metadata__']);
  for (const {name, shape, data} of tensors) {
    if (seen.has(name))
      throw new SafetensorsError(`encodeSafetensors: the name ${JSON.stringify(name)} is not free`);
    if (size(shape) !== data.length)
      throw new SafetensorsError(
        `encodeSafetensors: ${name} of shape [${shape.join(', ')}] has ${data.length} numbers`,
      );
    seen.add(name);
    header.push([name, {dtype: dtypeOf(data), shape, data_offsets: [offset, offset + data.byteLength]}]);
    offset += data.byteLength;
  }
  // Written entry by entry: an object would lose `__proto__` and reorder numeric names.
  const words = header.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const json = new TextEncoder().encode(`{${words.join(',')}}`);
  const padded = Math.ceil((8 + json.length) / 8) * 8;
  const bytes = new Uint8Array(padded + offset).fill(0x20, 8, padded);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded - 8), true);
  bytes.set(json, 8);
  let at = padded;
  for (const {data} of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

export interface DecodeOptions {
  /** Accept NaN and infinite numbers. Default false: weights never hold them. */
  readonly allowNonFinite?: boolean;
}

/**
 * Reads a safetensors file. F16 and BF16 become float32; the order is that of the data.
 * Errors: SafetensorsError when it is truncated, has trailing bytes, gaps or overlaps, a wrong dtype, shape or offset, a
 * repeated or reserved name, or numbers that are not finite.
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  {allowNonFinite = false}: DecodeOptions = {},
): SafetensorsFile {
  if (bytes.length < 8) fail(`${bytes.length} bytes are too short for a header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER)) fail(`a header of ${length} bytes is too long`);
  const start = 8 + Number(length);
  if (start > bytes.length) fail(`the header needs ${start} bytes, the file has ${bytes.length}`);
  const {entries, metadata} = parseHeader(bytes.subarray(8, start));
  const ordered = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const {name, begin, end} of ordered) {
    if (begin !== at)
      fail(`${name} begins at ${begin}, not at ${at}: tensors must not overlap or leave gaps`);
    at = end;
  }
  if (start + at !== bytes.length) fail(`the tensors need ${start + at} bytes, the file has ${bytes.length}`);
  const tensors = ordered.map(entry => {
    // A copy, so that numbers are aligned; Buffer's own `slice` would not copy.
    const own = new Uint8Array(bytes.subarray(start + entry.begin, start + entry.end));
    const data = readNumbers(own, entry.dtype);
    if (!allowNonFinite && !(data instanceof Int32Array) && !data.every(Number.isFinite))
      fail(`${entry.name} holds numbers that are not finite`);
    return {name: entry.name, shape: entry.shape, data};
  });
  return {tensors, metadata};
}

function fail(reason: string): never {
  throw new SafetensorsError(`safetensors: ${reason}`);
}

function readNumbers(own: Uint8Array<ArrayBuffer>, dtype: DType): SafetensorsData {
  if (dtype === 'F64') return new Float64Array(own.buffer);
  if (dtype === 'F32') return new Float32Array(own.buffer);
  if (dtype === 'I32') return new Int32Array(own.buffer);
  const halves = new Uint16Array(own.buffer);
  if (dtype === 'BF16') return new Float32Array(Uint32Array.from(halves, half => half << 16).buffer);
  return Float32Array.from(halves, halfToNumber);
}

/** IEEE 754 binary16. */
function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function parseHeader(bytes: Uint8Array): {entries: Entry[]; metadata: Map<string, string>} {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', {fatal: true}).decode(bytes);
    header = JSON.parse(text);
  } catch (error) {
    return fail(`the header is no JSON in UTF-8: ${String(error)}`);
  }
  if (!isRecord(header)) return fail('the header must be an object');
  const names = topLevelNames(text);
  if (new Set(names).size !== names.length)
    fail(`the name ${names.find((name, i) => names.indexOf(name) !== i)} stands twice`);
  const metadata = new Map<string, string>();
  const entries: Entry[] = [];
  for (const name of names) {
    if (name === '__proto__') fail('the name __proto__ is not allowed');
    const value = header[name];
    if (name !== '__metadata__') entries.push(parseEntry(name, value));
    else if (!isRecord(value)) fail('__metadata__ must be an object of text');
    else
      for (const [key, word] of Object.entries(value)) {
        if (typeof word !== 'string') return fail(`__metadata__.${key} must be text`);
        metadata.set(key, word);
      }
  }
  return {entries, metadata};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function parseEntry(name: string, value: unknown): Entry {
  if (!isRecord(value)) return fail(`${name} must be an object`);
  const {dtype, shape, data_offsets: offsets, ...rest} = value;
  if (Object.keys(rest).length > 0) fail(`${name} has unknown entries ${Object.keys(rest).join(', ')}`);
  const known = (Object.keys(widths) as DType[]).find(candidate => candidate === dtype);
  if (known === undefined)
    return fail(`${name} must be of dtype ${Object.keys(widths).join(', ')}, got ${String(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isCount)) return fail(`${name} has no valid shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1])
    return fail(`${name} has no valid data_offsets`);
  const needed = size(shape) * widths[known];
  if (!Number.isSafeInteger(needed) || offsets[1] - offsets[0] !== needed)
    fail(
      `${name} of shape [${shape.join(', ')}] needs ${needed} bytes, its offsets give ${offsets[1] - offsets[0]}`,
    );
  return {name, dtype: known, shape, begin: offsets[0], end: offsets[1]};
}

/** Names of the outermost object of valid JSON text, repeated ones included, which JSON.parse would hide. */
function topLevelNames(text: string): string[] {
  const names: string[] = [];
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"\s*:?|[{}[\]]/g)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (depth === 1 && token.endsWith(':')) names.push(JSON.parse(token.slice(0, -1).trimEnd()));
  }
  return names;
}
