// Decoders of a tokenizer.json for browsers: tokens to text, as the reference implementation does it.

import {quoted} from '../quoted.js';
import {TokenizerError} from '../tokenizer.js';
import {bytesOfToken} from './byte-characters.js';
import type {Json} from './json.js';
import {flat, isRecord} from './json.js';

type Step = (tokens: readonly string[]) => string[];

const textOf = (value: unknown, fallback: string): string => (typeof value === 'string' ? value : fallback);

/** Neither drops a byte order mark nor refuses what is no UTF-8. */
const lossy = new TextDecoder('utf-8', {ignoreBOM: true});
const strict = new TextDecoder('utf-8', {ignoreBOM: true, fatal: true});

function byteLevel(tokens: readonly string[]): string[] {
  const all = tokens.flatMap(token => [...bytesOfToken(token)]);
  return [lossy.decode(Uint8Array.from(all))];
}

const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/;

/** Bytes on end that are no UTF-8 become as many replacement characters. */
function byteFallback(tokens: readonly string[]): string[] {
  const texts: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length === 0) return;
    try {
      texts.push(strict.decode(Uint8Array.from(bytes)));
    } catch {
      texts.push(...bytes.map(() => '\ufffd'));
    }
    bytes = [];
  };
  for (const token of tokens) {
    const byte = BYTE_TOKEN.exec(token);
    if (byte !== null) bytes.push(Number.parseInt(byte[1], 16));
    else {
      flush();
      texts.push(token);
    }
  }
  flush();
  return texts;
}

function metaspace(part: Json): Step {
  const mark = textOf(part.replacement, '\u2581');
  const scheme = part.prepend_scheme ?? (part.add_prefix_space === false ? 'never' : 'always');
  return tokens => tokens.map((token, i) => token.replaceAll(mark, i === 0 && scheme !== 'never' ? '' : ' '));
}

function replace({pattern, content}: Json): Step {
  if (!isRecord(pattern) || typeof pattern.String !== 'string')
    throw new TokenizerError(
      'decoder Replace must have a pattern of type String in browsers; decode in Node',
    );
  const {String: found} = pattern;
  return tokens => tokens.map(token => token.replaceAll(found, () => textOf(content, '')));
}

function strip({content, start}: Json): Step {
  const most = Number(start);
  return tokens =>
    tokens.map(token => {
      const characters = [...token];
      let cut = 0;
      while (cut < most && characters[cut] === content) cut++;
      return characters.slice(cut).join('');
    });
}

const CLEANUP = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [' do not', " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
] as const;

function wordPiece({prefix, cleanup}: Json): Step {
  const mark = textOf(prefix, '##');
  const clean = (text: string): string =>
    CLEANUP.reduce((cleaned, [found, content]) => cleaned.replaceAll(found, content), text);
  return tokens =>
    tokens.map((token, i) => {
      const word = i === 0 ? token : token.startsWith(mark) ? token.slice(mark.length) : ` ${token}`;
      return cleanup === true ? clean(word) : word;
    });
}

function suffixes({suffix}: Json): Step {
  const mark = textOf(suffix, '</w>');
  return tokens => tokens.map((token, i) => token.replaceAll(mark, i === tokens.length - 1 ? '' : ' '));
}

function step(part: Json): Step {
  switch (part.type) {
    case 'ByteLevel':
      return byteLevel;
    case 'ByteFallback':
      return byteFallback;
    case 'Fuse':
      return tokens => [tokens.join('')];
    case 'Metaspace':
      return metaspace(part);
    case 'Replace':
      return replace(part);
    case 'Strip':
      return strip(part);
    case 'WordPiece':
      return wordPiece(part);
    case 'BPEDecoder':
      return suffixes(part);
    default:
      throw new TokenizerError(`decoder ${quoted(part.type)} is not known in browsers; decode in Node`);
  }
}

/** The text of tokens. Errors: TokenizerError naming a decoder that there is not. */
export function decoderOf(decoder: unknown): (tokens: readonly string[]) => string {
  const steps = flat(decoder, 'decoder', 'decoders').map(step);
  if (steps.length === 0) return tokens => tokens.join(' ');
  return tokens => steps.reduce((texts: readonly string[], one) => one(texts), tokens).join('');
}
