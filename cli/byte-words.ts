// Bytes in words.

/** `12345678` as `12.3 MB`. */
export function byteWords(bytes: number): string {
  if (!Number.isFinite(bytes)) return 'grows with every token';
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}
