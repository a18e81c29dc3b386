// Reading bytes once: the floor of whatever has to look at all of them.

/** v128 variables of the loop, so that no load waits for another. */
const SUMS = 8;
const STEP = 16 * SUMS;
const PAGE = 1 << 16;

const I32 = 0x7f;
const V128 = 0x7b;
const LOOP = [0x03, 0x40];
const BR_IF = [0x0d, 0];
const END = 0x0b;
const GET = 0x20;
const SET = 0x21;
const CONST = 0x41;
const ADD = 0x6a;
const LESS = 0x49;
const LOAD = [0xfd, 0x00, 4];
const OR = [0xfd, 0x50];
const ANY_TRUE = [0xfd, 0x53];

/** Section or body: its length, below 2^14, then what it holds. */
const sized = (...bytes: number[]): number[] => [(bytes.length & 127) | 128, bytes.length >> 7, ...bytes];
const section = (id: number, ...bytes: number[]): number[] => [id, ...sized(...bytes)];
const name = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];

/** The module: `read(from, to)` ORs all bytes by 128-bit loads and tells whether one of them is not 0. */
function readingModule(): Uint8Array<ArrayBuffer> {
  const [from, to, firstSum] = [0, 1, 2];
  const sums = Array.from({length: SUMS}, (_, i) => firstSum + i);
  const code = [
    ...[1, SUMS, V128],
    ...LOOP,
    ...sums.flatMap((sum, i) => [GET, sum, GET, from, ...LOAD, 16 * i, ...OR, SET, sum]),
    ...[GET, from, CONST, 128 | (STEP & 127), STEP >> 7, ADD, SET, from],
    ...[GET, from, GET, to, LESS, ...BR_IF, END],
    ...[GET, firstSum, ...sums.slice(1).flatMap(sum => [GET, sum, ...OR]), ...ANY_TRUE, END],
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 2, I32, I32, 1, I32),
    ...section(2, 1, ...name('env'), ...name('memory'), 2, 0, 1),
    ...section(3, 1, 0),
    ...section(7, 1, ...name('read'), 0, 0),
    ...section(10, 1, ...sized(...code)),
  ]);
}

/** Reads so many bytes of WebAssembly's memory by SIMD loads, in order, on one core; a multiple of 128 is read. */
export function simdReading(bytes: number): () => void {
  const memory = new WebAssembly.Memory({initial: Math.ceil(bytes / PAGE) + 1});
  new Uint8Array(memory.buffer).fill(1);
  const {exports} = new WebAssembly.Instance(new WebAssembly.Module(readingModule()), {env: {memory}});
  const read = exports.read as (from: number, to: number) => number;
  return () => {
    if (read(0, bytes) !== 1) throw new Error('reading: no byte was read');
  };
}

/** Reads as many by the C library, which looks for a byte that is not there; its vectors may be wider than WebAssembly's. */
export function libraryReading(bytes: number): () => void {
  const held = Buffer.alloc(bytes, 1);
  return () => {
    if (held.indexOf(2) !== -1) throw new Error('reading: a byte was found that is not there');
  };
}
