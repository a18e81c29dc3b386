// Whether bytes end inside a character of UTF-8.

/** True where more bytes may change what the last ones stand for. */
export function endsInsideCharacter(bytes: ArrayLike<number>): boolean {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back];
    if (byte >= 0x80 && byte < 0xc0) continue;
    const length = byte >= 0xf0 && byte <= 0xf4 ? 4 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xc2 ? 2 : 1;
    return byte < 0xf5 && length > back;
  }
  return false;
}
