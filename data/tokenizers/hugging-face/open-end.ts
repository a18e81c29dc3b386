// Whether the text of tokens may change with the tokens that follow, by the decoder of a tokenizer.json.

import {endsInsideCharacter} from '../utf-8.js';
import {bytesOfToken} from './byte-characters.js';
import type {TokenizerJson} from './json.js';
import {flat} from './json.js';

const BYTE_TOKEN = /^<0x[0-9A-Fa-f]{2}>$/;

/** Decoders that look at one token at a time, at the first, or at what separates two. */
const PLAIN = new Set(['Fuse', 'Metaspace', 'WordPiece', 'BPEDecoder', 'Strip', 'ByteFallback']);

/** Of decoders that are not known to leave the text of earlier tokens alone, every end is open. */
export function openEndOf({json, tokens}: TokenizerJson): (ids: readonly number[]) => boolean {
  const decoders = flat(json.decoder, 'decoder', 'decoders');
  const types = decoders.map(({type}) => String(type));
  const known = (ids: readonly number[]): string[] => ids.flatMap(id => tokens.get(id) ?? []);
  if (types[0] === 'ByteLevel' && types.length === 1)
    return ids => endsInsideCharacter(known(ids).flatMap(token => [...bytesOfToken(token)]));
  const fused = types.indexOf('Fuse');
  const isPlain = types.every(
    (type, i) => PLAIN.has(type) || (type === 'Replace' && (fused < 0 || i < fused)),
  );
  if (!isPlain || types.filter(type => type === 'BPEDecoder').length > 1) return () => true;
  if (types.includes('ByteFallback'))
    return ids => {
      // One without a token of its own hides no byte before it.
      const last = known(ids).at(-1);
      return last === undefined || BYTE_TOKEN.test(last);
    };
  return () => false;
}
