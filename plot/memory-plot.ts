// A memory view as standalone SVG: for each layer the innovation of every token, how long stored ones stay, and how attention
// divides over the memories along the sequence.

import {axisFor, tickLabel} from './axis.js';
import {escapeXml, largest, pixel} from './escape.js';
import {passage} from './passage.js';

export interface MemoryPanel {
  readonly title: string;
  /** [L]; stored tokens are drawn dark. */
  readonly innovation?: readonly number[];
  /** Stored tokens and the positions at which they can be attended to. */
  readonly stored?: readonly {readonly position: number; readonly from: number; readonly until: number}[];
  /** Shares of attention at each position [L][memories], in the order of `names`. */
  readonly shares?: readonly (readonly number[])[];
}

export interface MemoryPlot {
  readonly title: string;
  readonly length: number;
  /** Of the memories, at most four. */
  readonly names: readonly string[];
  readonly panels: readonly MemoryPanel[];
  /** What each token says [L]; shown where it is stored, and in full under each layer that stores. */
  readonly pieces?: readonly string[];
}

const WIDTH = 960;
const LEFT = 64;
const RIGHT = 944;
/** Heights of the three strips of a panel. */
const INNOVATION = 70;
const LIFETIMES = 90;
const SHARES = 110;
const GAP = 18;
/** Longer texts are not written out. */
const MOST_WRITTEN = 4096;
const COLORS = ['#56b4e9', '#e69f00', '#009e73', '#cc79a7'] as const;

interface Words {
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly size?: number;
}

const words = (x: number, y: number, text: string, {anchor = 'start', size = 11}: Words = {}): string =>
  `<text x="${pixel(x)}" y="${pixel(y)}" text-anchor="${anchor}" font-size="${size}">${escapeXml(text)}</text>`;

const box = (x: number, y: number, width: number, height: number, fill: string, title = ''): string =>
  `<rect x="${pixel(x)}" y="${pixel(y)}" width="${pixel(width)}" height="${pixel(height)}" fill="${fill}"${
    title === '' ? '/>' : `><title>${escapeXml(title)}</title></rect>`
  }`;

/** The text of a layer's sequence; what the layer stored stands on green, the deeper the larger its innovation. */
function writtenText(
  {innovation = [], stored = []}: MemoryPanel,
  pieces: readonly string[],
  top: number,
): {parts: string[]; height: number} {
  const most = largest(
    stored.map(({position}) => innovation[position] ?? 0),
    Number.MIN_VALUE,
  );
  const grounds = new Map(
    stored.map(({position}) => [
      position,
      {fill: COLORS[2], opacity: 0.2 + 0.7 * Math.max(0, (innovation[position] ?? 0) / most)},
    ]),
  );
  const {parts, height} = passage({left: LEFT, right: RIGHT, top, pieces, grounds});
  const heading = 'the sequence; on green what was stored at some time, the deeper the larger its innovation';
  return {parts: [words(LEFT + 4, top - 4, heading), ...parts], height};
}

function innovationStrip(panel: MemoryPanel, top: number, place: (position: number) => number): string[] {
  const {innovation = [], stored = []} = panel;
  const kept = new Set(stored.map(({position}) => position));
  const axis = axisFor([0, ...innovation], 'linear');
  const width = Math.max(0.6, place(1) - place(0) - 0.4);
  return [
    ...innovation.map((value, position) => {
      const height = Math.max(0, axis.place(value)) * INNOVATION;
      return box(
        place(position),
        top + INNOVATION - height,
        width,
        height,
        kept.has(position) ? '#222' : '#c4c4c4',
      );
    }),
    words(LEFT - 6, top + 10, tickLabel(Number(largest(innovation, 0).toPrecision(3))), {anchor: 'end'}),
    words(LEFT - 6, top + INNOVATION, '0', {anchor: 'end'}),
    words(LEFT + 4, top - 4, 'innovation; dark: stored at some time'),
  ];
}

function lifetimeStrip(
  {innovation = [], stored = []}: MemoryPanel,
  top: number,
  place: (position: number) => number,
  pieces: readonly string[],
): string[] {
  const row = LIFETIMES / Math.max(1, stored.length);
  return [
    ...stored.flatMap(({position, from, until}, i) => {
      const y = top + i * row;
      const thick = Math.max(0.5, row * 0.75);
      const said = pieces[position] === undefined ? '' : ` ${JSON.stringify(pieces[position])}`;
      const why =
        innovation[position] === undefined ? '' : `, innovation ${innovation[position].toPrecision(3)}`;
      const title = `token ${position}${said}${why}, kept from ${from} until ${until}`;
      return [
        box(place(from), y, place(until) - place(from), thick, COLORS[2], title),
        box(place(position), y, Math.max(1.5, place(1) - place(0)), thick, '#222'),
      ];
    }),
    words(LEFT + 4, top - 4, 'stored tokens: where each stood (dark), and from when until when it is kept'),
  ];
}

function shareStrip({shares = []}: MemoryPanel, top: number, place: (position: number) => number): string[] {
  const edges = [0, ...COLORS.keys()].map((_, count) =>
    shares.map(share => share.slice(0, count).reduce((sum, one) => sum + one, 0)),
  );
  const at = (position: number, share: number): string =>
    `${pixel(place(position + 0.5))},${pixel(top + SHARES - share * SHARES)}`;
  return [
    ...COLORS.map((color, memory) => {
      const upper = edges[memory + 1].map((share, position) => at(position, share));
      const lower = edges[memory].map((share, position) => at(position, share)).reverse();
      return `<polygon points="${[...upper, ...lower].join(' ')}" fill="${color}"/>`;
    }),
    words(LEFT - 6, top + 10, '1', {anchor: 'end'}),
    words(LEFT - 6, top + SHARES, '0', {anchor: 'end'}),
    words(LEFT + 4, top - 4, 'shares of attention, mean over heads'),
  ];
}

/** Draws the view; strips without data are left out. */
export function memoryPlot({title, length, names, panels, pieces = []}: MemoryPlot): string {
  const axis = axisFor([0, length], 'linear');
  const place = (position: number): number => LEFT + axis.place(position) * (RIGHT - LEFT);
  const parts: string[] = [];
  let y = 76;
  for (const panel of panels) {
    parts.push(words(LEFT, y, panel.title, {size: 14}));
    y += 24;
    if (panel.innovation !== undefined) {
      parts.push(...innovationStrip(panel, y, place));
      y += INNOVATION + GAP;
    }
    if (panel.stored !== undefined) {
      parts.push(...lifetimeStrip(panel, y, place, pieces));
      y += LIFETIMES + GAP;
    }
    if (panel.shares !== undefined) {
      parts.push(...shareStrip(panel, y, place));
      y += SHARES;
    }
    parts.push(
      `<line x1="${LEFT}" y1="${y}" x2="${RIGHT}" y2="${y}" stroke="#222"/>`,
      ...axis.ticks.map(tick => words(place(tick), y + 14, tickLabel(tick), {anchor: 'middle'})),
      words(WIDTH / 2, y + 28, 'position in the sequence', {anchor: 'middle'}),
    );
    y += 44;
    if (panel.stored !== undefined && pieces.length > 0 && pieces.length <= MOST_WRITTEN) {
      const {parts: text, height} = writtenText(panel, pieces, y);
      parts.push(...text);
      y += height + 30;
    }
  }
  const legend = names.flatMap((name, i) => [
    box(LEFT + 150 * i, 44, 12, 12, COLORS[i]),
    words(LEFT + 150 * i + 18, 54, name, {size: 12}),
  ]);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="sans-serif" fill="#222">`,
    box(0, 0, WIDTH, y, '#fff'),
    words(WIDTH / 2, 26, title, {anchor: 'middle', size: 15}),
    ...legend,
    ...parts,
    '</svg>',
  ].join('\n')}\n`;
}
