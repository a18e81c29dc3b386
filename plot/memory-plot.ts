// A memory view as standalone SVG: for each layer the innovation of every token, how long stored ones stay, and how attention
// divides over the memories along the sequence.

import {axisFor, tickLabel} from './axis.js';
import {escapeXml, largest, pixel} from './escape.js';
import {legend} from './legend.js';
import {passage} from './passage.js';
import type {Role} from './theme.js';
import {drawing, fill, stroke} from './theme.js';
import {label, lines} from './words.js';

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

const LEFT = 56;
/** Heights of the three strips of a panel. */
const INNOVATION = 70;
const LIFETIMES = 90;
const SHARES = 110;
const GAP = 18;
/** Longer texts are not written out. */
const MOST_WRITTEN = 4096;
const COLORS = ['memory0', 'memory1', 'memory2', 'memory3'] as const satisfies readonly Role[];

const words = (x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end' = 'start'): string =>
  label(x, y, text, {anchor, size: 11});

const box = (x: number, y: number, width: number, height: number, role: Role, title = ''): string =>
  `<rect x="${pixel(x)}" y="${pixel(y)}" width="${pixel(width)}" height="${pixel(height)}" ${fill(role)}${
    title === '' ? '/>' : `><title>${escapeXml(title)}</title></rect>`
  }`;

/** The text of a layer's sequence; what the layer stored stands on green, the deeper the larger its innovation. */
function writtenText(
  {innovation = [], stored = []}: MemoryPanel,
  pieces: readonly string[],
  {top, right}: {top: number; right: number},
): {parts: string[]; height: number} {
  const most = largest(
    stored.map(({position}) => innovation[position] ?? 0),
    Number.MIN_VALUE,
  );
  const grounds = new Map(
    stored.map(({position}) => [
      position,
      {paint: fill(COLORS[2]), opacity: 0.2 + 0.7 * Math.max(0, (innovation[position] ?? 0) / most)},
    ]),
  );
  const heading = lines(
    'the sequence; on green what was stored at some time, the deeper the larger its innovation',
    right - LEFT,
    11,
  );
  const below = 14 * (heading.length - 1);
  const {parts, height} = passage({left: LEFT, right, top: top + below, pieces, grounds});
  return {
    parts: [...heading.map((line, i) => words(LEFT + 4, top - 4 + 14 * i, line)), ...parts],
    height: height + below,
  };
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
        kept.has(position) ? 'ink' : 'quiet',
      );
    }),
    words(LEFT - 6, top + 10, tickLabel(Number(largest(innovation, 0).toPrecision(3))), 'end'),
    words(LEFT - 6, top + INNOVATION, '0', 'end'),
    words(LEFT + 4, top - 4, 'innovation; strong: stored at some time'),
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
        box(place(position), y, Math.max(1.5, place(1) - place(0)), thick, 'ink'),
      ];
    }),
    words(LEFT + 4, top - 4, 'stored: where each stood (strong), when it is kept'),
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
      return `<polygon points="${[...upper, ...lower].join(' ')}" ${fill(color)}/>`;
    }),
    words(LEFT - 6, top + 10, '1', 'end'),
    words(LEFT - 6, top + SHARES, '0', 'end'),
    words(LEFT + 4, top - 4, 'shares of attention, mean over heads'),
  ];
}

/** Draws the view; strips without data are left out. `width` in pixels, for which words have their size. */
export function memoryPlot({title, length, names, panels, pieces = []}: MemoryPlot, width = 960): string {
  const right = width - 16;
  const axis = axisFor([0, length], 'linear', undefined, width < 500 ? 4 : 6);
  const place = (position: number): number => LEFT + axis.place(position) * (right - LEFT);
  const heading = lines(title, width - 24, 15);
  const key = legend(
    names.map((name, i) => ({name, swatch: (x, y) => box(x + 2, y - 6, 12, 12, COLORS[i])})),
    {left: LEFT, right, top: 14 + 18 * heading.length},
  );
  const parts = [...heading.map((line, i) => label(width / 2, 22 + 18 * i, line, {size: 15})), ...key.parts];
  let y = 36 + 18 * heading.length + key.height;
  for (const panel of panels) {
    parts.push(label(LEFT, y, panel.title, {anchor: 'start', size: 14}));
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
      `<line x1="${LEFT}" y1="${y}" x2="${right}" y2="${y}" ${stroke('ink')}/>`,
      ...axis.ticks.map(tick => words(place(tick), y + 14, tickLabel(tick), 'middle')),
      words(width / 2, y + 28, 'position in the sequence', 'middle'),
    );
    y += 52;
    if (panel.stored !== undefined && pieces.length > 0 && pieces.length <= MOST_WRITTEN) {
      const {parts: text, height} = writtenText(panel, pieces, {top: y, right});
      parts.push(...text);
      y += height + 30;
    }
  }
  return drawing(width, y, parts);
}
