// Bytes in words.

const units = ['bytes', 'kB', 'MB', 'GB'] as const;

/** `3400000` as `3.4 MB`, in powers of 1,000. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}
