// The printable stand-ins of bytes in byte-level tokenizers (GPT-2, Radford et al. 2019).

const isPrintable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);

/** In the order of the bytes [256]. */
export const byteCharacters: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({length: 256}, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
})();

const byteOfCharacter: ReadonlyMap<string, number> = new Map(
  byteCharacters.map((character, byte) => [character, byte]),
);

/** A token with a character that stands for no byte is text as it is. */
export function bytesOfToken(token: string): Uint8Array {
  const bytes = Array.from(token, character => byteOfCharacter.get(character) ?? -1);
  return bytes.includes(-1) ? new TextEncoder().encode(token) : Uint8Array.from(bytes);
}
