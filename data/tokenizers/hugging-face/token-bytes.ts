// How many bytes of text a token stands for: bits per byte count what was scored.

import {bytesOfToken} from './byte-characters.js';
import type {TokenizerJson} from './json.js';
import {flat} from './json.js';

const utf8 = new TextEncoder();
const BYTE_TOKEN = /^<0x[0-9A-Fa-f]{2}>$/;

/** Each token is looked at once, between others: at the begin of a text some decoders leave a space away. */
export function bytesOf(
  {json, tokens}: TokenizerJson,
  decode: (ids: readonly number[]) => string,
  endOfText: number | undefined,
): (id: number) => number {
  const types = flat(json.decoder, 'decoder', 'decoders').map(({type}) => type);
  const known = new Map<number, number>();
  const measure = (id: number): number => {
    const token = tokens.get(id);
    if (token === undefined || id === endOfText) return 0;
    if (types[0] === 'ByteLevel') return bytesOfToken(token).length;
    if (types.includes('ByteFallback') && BYTE_TOKEN.test(token)) return 1;
    return utf8.encode(decode([id, id])).length - utf8.encode(decode([id])).length;
  };
  return id => {
    const found = known.get(id) ?? measure(id);
    known.set(id, found);
    return found;
  };
}
