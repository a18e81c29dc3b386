// Words in drawings: placed, and measured well enough to leave room for them.

import {escapeXml, pixel} from './escape.js';

export interface TextStyle {
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly size?: number;
  readonly rotated?: boolean;
  /** Attributes of the colour. Default: the drawing's ink. */
  readonly color?: string;
}

export function label(x: number, y: number, content: string, style: TextStyle = {}): string {
  const {anchor = 'middle', size = 12, rotated = false, color = ''} = style;
  const turn = rotated ? ` transform="rotate(-90 ${pixel(x)} ${pixel(y)})"` : '';
  const paint = color === '' ? '' : ` ${color}`;
  return `<text x="${pixel(x)}" y="${pixel(y)}" text-anchor="${anchor}" font-size="${size}"${paint}${turn}>${escapeXml(content)}</text>`;
}

/** More characters than that have no room anywhere. */
const MOST = 400;

function advance(character: string): number {
  if (/[iljtf.,:;|!'()[\] ]/.test(character)) return 0.33;
  if (/[mwMW@%]/.test(character)) return 0.9;
  return /[A-Z]/.test(character) ? 0.69 : 0.56;
}

/** About how wide a text is, in pixels. */
export function textWidth(text: string, size = 12): number {
  let width = 0;
  for (const character of text.slice(0, MOST)) width += size * advance(character);
  return width;
}

/** The text, cut with an ellipsis where it is wider than `room`. */
export function fitted(text: string, room: number, size = 12): string {
  if (textWidth(text, size) <= room && text.length <= MOST) return text;
  let cut = text.slice(0, MOST);
  while (cut.length > 1 && textWidth(`${cut}…`, size) > room) cut = cut.slice(0, -1);
  return `${cut}…`;
}

/** The text in lines of at most `room`, broken between words; what is wider alone is cut. */
export function lines(text: string, room: number, size = 12): string[] {
  const found: string[] = [];
  for (const word of text.slice(0, MOST).split(' ')) {
    const last = found.at(-1);
    const longer = last === undefined ? word : `${last} ${word}`;
    if (last !== undefined && textWidth(longer, size) <= room) found[found.length - 1] = longer;
    else found.push(word);
  }
  return found.map(line => fitted(line, room, size));
}
