// What is asked of a store, compared with what can be: the same words for every store.

import {shown} from '../errors/shown.js';
import {LARGEST_HALF} from '../formats/half.js';
import type {MemoryBatch, MemoryFormat, MemoryQuery, MemorySelection, MemoryStoreOptions} from './store.js';
import {MemoryStoreError} from './store-error.js';

const LONGEST_NAME = 1024;
const LONGEST_MODEL = 256;
/** Positions and the limits behind them are int32. */
export const LAST_POSITION = 2 ** 31 - 2;
/** Numbers of one key or value; more is no attention head. */
const WIDEST = 2 ** 16;

/** Half a surrogate pair has no UTF-8 of its own: two such names would become one. */
const HALF_CHARACTER = /\p{Cs}/u;

function fail(where: string, what: string): never {
  throw new MemoryStoreError('argument', `${where}: ${what}`);
}

const isWhole = (value: unknown, least: number, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;

type Unchecked = {readonly [Key in keyof MemoryFormat]?: unknown};

/** A format that was read. Errors: MemoryStoreError (`damaged`) when it is none. */
export function parseFormat(where: string, value: Unchecked): MemoryFormat {
  try {
    return formatOf(where, value);
  } catch (error) {
    throw error instanceof MemoryStoreError ? new MemoryStoreError('damaged', error.message) : error;
  }
}

/** Errors: MemoryStoreError naming what of the format makes no sense. */
export function checkFormat(where: string, format: MemoryFormat): void {
  formatOf(where, format);
}

function formatOf(where: string, {model, layers, groups, width, precision}: Unchecked): MemoryFormat {
  if (
    typeof model !== 'string' ||
    model.length === 0 ||
    model.length > LONGEST_MODEL ||
    HALF_CHARACTER.test(model)
  )
    fail(where, `model must be 1 to ${LONGEST_MODEL} characters that name the weights, got ${shown(model)}`);
  if (!Array.isArray(layers) || layers.length === 0 || layers.length > 4096)
    fail(where, `layers must be 1 to 4096 numbers of layers, got ${shown(layers)}`);
  if (!layers.every((layer: unknown, i) => isWhole(layer, 0, 65_535) && (i === 0 || layer > layers[i - 1])))
    fail(where, `layers must be ascending integers in [0, 65535], got ${shown(layers)}`);
  if (!isWhole(groups, 1, 1024)) fail(where, `groups must be an integer in [1, 1024], got ${shown(groups)}`);
  if (!isWhole(width, 1, WIDEST))
    fail(where, `width must be an integer in [1, ${WIDEST}], got ${shown(width)}`);
  if (precision !== 'f16' && precision !== 'f32')
    fail(where, `precision must be one of f16, f32, got ${shown(precision)}`);
  return {model, layers, groups, width, precision};
}

/** Errors: MemoryStoreError naming the option. */
export function checkOptions(where: string, {quota}: MemoryStoreOptions): void {
  if (quota !== undefined && !isWhole(quota, 1, LAST_POSITION))
    fail(where, `quota must be a number of rows, an integer from 1, got ${shown(quota)}`);
}

/** Errors: MemoryStoreError for a name that is empty, too long, or holds half a character. */
export function checkStream(where: string, stream: unknown): asserts stream is string {
  if (typeof stream !== 'string' || HALF_CHARACTER.test(stream))
    fail(where, `stream must be well-formed text, got ${shown(stream)}`);
  const bytes = stream.length > LONGEST_NAME ? stream.length : new TextEncoder().encode(stream).length;
  if (bytes === 0 || bytes > LONGEST_NAME)
    fail(where, `stream must have 1 to ${LONGEST_NAME} bytes of UTF-8, has ${bytes}`);
}

function checkLayer(where: string, layer: unknown, {layers}: MemoryFormat): void {
  if (!layers.some(one => one === layer))
    fail(where, `layer must be one that the store holds, ${layers.join(', ')}, got ${shown(layer)}`);
}

function checkLength(
  where: string,
  name: string,
  shape: string,
  array: ArrayLike<number>,
  length: number,
): void {
  if (array.length !== length)
    fail(where, `${name} ${shape} must have ${length} numbers, has ${array.length}`);
}

function checkNumbers(where: string, name: string, numbers: Float32Array, largest: number): void {
  const bad = numbers.findIndex(value => !(Math.abs(value) <= largest));
  if (bad < 0) return;
  const limit =
    largest === LARGEST_HALF ? 'finite and at most 65519 in magnitude to be stored as f16' : 'finite';
  fail(where, `${name} must be ${limit}; number ${bad} is ${numbers[bad]}`);
}

const LARGEST_SINGLE = (2 - 2 ** -23) * 2 ** 127;

/** Errors: MemoryStoreError naming the part of the batch that does not fit the store. */
export function checkBatch(where: string, batch: MemoryBatch, format: MemoryFormat): void {
  const {stream, layer, positions, innovations, tokens, keys, values} = batch;
  checkStream(where, stream);
  checkLayer(where, layer, format);
  const n = positions.length;
  const numbers = n * format.groups * format.width;
  checkLength(where, 'innovations', '[n]', innovations, n);
  if (tokens !== undefined) checkLength(where, 'tokens', '[n]', tokens, n);
  checkLength(where, 'keys', '[n, G, Dh]', keys, numbers);
  checkLength(where, 'values', '[n, G, Dh]', values, numbers);
  const bad = positions.findIndex(
    (position, i) => position < 0 || position > LAST_POSITION || (i > 0 && position <= positions[i - 1]),
  );
  if (bad >= 0)
    fail(
      where,
      `positions must be ascending in [0, ${LAST_POSITION}]; number ${bad} is ${positions[bad]}` +
        (bad > 0 ? ` after ${positions[bad - 1]}` : ''),
    );
  const wrong = tokens?.findIndex(token => token < -1) ?? -1;
  if (wrong >= 0) fail(where, `tokens must be ids from 0, or -1; number ${wrong} is ${tokens?.[wrong]}`);
  const largest = format.precision === 'f16' ? LARGEST_HALF : LARGEST_SINGLE;
  checkNumbers(where, 'innovations', innovations, LARGEST_SINGLE);
  checkNumbers(where, 'keys', keys, largest);
  checkNumbers(where, 'values', values, largest);
}

/** Errors: MemoryStoreError when a batch begins before the end of what is there. */
export function checkOrder(where: string, {stream, layer, positions}: MemoryBatch, last: number): void {
  if (positions[0] > last) return;
  fail(
    where,
    `positions must begin after ${last}, the last that ${shown(stream)} holds in layer ${layer}, got ${positions[0]}; ` +
      'to write a part anew, forget it first',
  );
}

/** Errors: MemoryStoreError naming the part of the question that does not fit the store. */
export function checkQuery(where: string, query: MemoryQuery, format: MemoryFormat): void {
  const {stream, layer, queries, count, before} = query;
  checkStream(where, stream);
  checkLayer(where, layer, format);
  if (!isWhole(count, 1, 65_536)) fail(where, `count must be an integer in [1, 65536], got ${shown(count)}`);
  checkLength(where, 'queries', '[n, G, Dh]', queries, before.length * format.groups * format.width);
  checkNumbers(where, 'queries', queries, LARGEST_SINGLE);
  const bad = before.findIndex(limit => limit < 0);
  if (bad >= 0) fail(where, `before must be positions from 0; number ${bad} is ${before[bad]}`);
}

/** Errors: MemoryStoreError naming the part of the selection that makes no sense. */
export function checkSelection(where: string, selection: MemorySelection, format: MemoryFormat): void {
  const {streams, layer, from, before} = selection;
  if (streams !== 'all') {
    if (!Array.isArray(streams))
      fail(where, `streams must be a list of names, or 'all', got ${shown(streams)}`);
    for (const stream of streams) checkStream(where, stream);
  }
  if (layer !== undefined) checkLayer(where, layer, format);
  for (const [name, value] of Object.entries({from, before}))
    if (value !== undefined && !isWhole(value, 0, LAST_POSITION + 1))
      fail(where, `${name} must be a position, an integer from 0, got ${shown(value)}`);
}

/** Whether two formats are of the same memory; the words of the first difference where they are not. */
function formatDifference(found: MemoryFormat, wanted: MemoryFormat): string | undefined {
  const words = (value: unknown): string => shown(Array.isArray(value) ? value.join(', ') : value);
  for (const key of ['model', 'layers', 'groups', 'width', 'precision'] as const)
    if (words(found[key]) !== words(wanted[key]))
      return `${key} ${words(found[key])}, not ${words(wanted[key])}`;
  return undefined;
}

/** Errors: MemoryStoreError with the first difference and the remedy when a store is of another memory. */
export function refuseOtherFormat(place: string, found: MemoryFormat, wanted: MemoryFormat): void {
  const difference = formatDifference(found, wanted);
  if (difference === undefined) return;
  throw new MemoryStoreError(
    'format',
    `${place} is a memory of ${difference}: its keys mean nothing to this model; ` +
      'go on with the model that wrote it, or name another place',
  );
}
