// Where text may be divided without changing its tokens: long documents are encoded in pieces, and words are looked up.

/** Whether the text may be divided before code unit `at`, which lies inside it. */
export type MayCut = (text: string, at: number) => boolean;

/** Between code points: for tokenizers that look at one of them at a time. */
export const cutsAnywhere: MayCut = (text, at) => {
  const [before, after] = [text.charCodeAt(at - 1), text.charCodeAt(at)];
  return !(before >= 0xd800 && before < 0xdc00 && after >= 0xdc00 && after < 0xe000);
};

export const cutsNowhere: MayCut = () => false;

const SPACE = 0x20;

/** White space by any standard, a byte order mark and the next-line control included. */
const WHITE = /[\s\u0085\u180e\u200b]/;
const isWhite = (code: number): boolean =>
  code < 0x80
    ? code === SPACE || (code >= 0x09 && code <= 0x0d) || (code >= 0x1c && code <= 0x1f)
    : WHITE.test(String.fromCharCode(code));

/** Letters of every version of Unicode that normal form C leaves as they are: ASCII, Latin-1, Greek, Cyrillic, kana, Han, Hangul. */
const LETTER =
  /[\u00e0-\u00f6\u00f8-\u00ff\u03b1-\u03c9\u0410-\u044f\u3042-\u3093\u30a2-\u30f3\u4e00-\u9fa5\uac00-\ud7a3]/;
const isLetter = (code: number): boolean =>
  code < 0x80
    ? (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a)
    : LETTER.test(String.fromCharCode(code));

/** Before a space that follows anything but white space: no word of the patterns below has such a place inside. */
export const cutsAtSpaces: MayCut = (text, at) =>
  text.charCodeAt(at) === SPACE && !isWhite(text.charCodeAt(at - 1));

/** Punctuation that begins something new after a letter; an apostrophe or an underscore may go on. */
const PUNCTUATION = '!"#$%&()*+,-./:;<=>?@[\\]^`{|}~';

/**
 * As at spaces, and after a letter before a line break, a tab or punctuation; not so before characters of `except`, which
 * stand inside what must not be divided.
 */
export function cutsAtWords(except: ReadonlySet<string> = new Set()): MayCut {
  const begins = new Uint8Array(0x80);
  for (const character of `\t\n\r${PUNCTUATION}`)
    if (!except.has(character)) begins[character.charCodeAt(0)] = 1;
  return (text, at) => {
    const code = text.charCodeAt(at);
    if (code === SPACE) return !isWhite(text.charCodeAt(at - 1));
    return code < 0x80 && begins[code] === 1 && isLetter(text.charCodeAt(at - 1));
  };
}

/** The last place from `from` on where the text may be divided; 0 where there is none. */
export function lastCut(mayCut: MayCut, text: string, from: number): number {
  for (let at = text.length - 1; at >= Math.max(1, from); at--) if (mayCut(text, at)) return at;
  return 0;
}
