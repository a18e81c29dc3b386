// Words of others in SVG: without markup, and without the characters that XML forbids.

/** C0 controls but for tab and line breaks, lone surrogates, and the two that are no characters. */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const MOST = 4096;

export function escapeXml(text: string): string {
  const short = text.length > MOST ? `${text.slice(0, MOST)}…` : text;
  return short.replace(FORBIDDEN, '\ufffd').replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`);
}

/** A length in pixels; what no drawing reaches is cut there, so that no number of a file becomes markup or endless. */
export function pixel(value: number, decimals = 1): string {
  const bounded = Number.isNaN(value) ? 0 : Math.min(1e5, Math.max(-1e5, value));
  return String(Math.round(bounded * 10 ** decimals) / 10 ** decimals);
}

/** The largest of many numbers, however many there are; `least` when none is larger. */
export function largest(values: readonly number[], least: number): number {
  let most = least;
  for (const value of values) if (value > most) most = value; // NaN is never larger
  return most;
}
