// Colours of drawings on light and on dark ground. Attributes hold the light ones, so that every reader of SVG shows them; a
// style in the drawing replaces them where the reader prefers dark.

import {pixel} from './escape.js';

/** Light, dark. */
const roles = {
  ground: ['#ffffff', '#15181d'],
  ink: ['#222222', '#e8e8e6'],
  grid: ['#e4e4e4', '#33383f'],
  mute: ['#6f6f6f', '#9aa0a6'],
  quiet: ['#c4c4c4', '#4a5058'],
  // Okabe-Ito: told apart by colour-blind readers too; lighter on dark ground.
  series0: ['#0072b2', '#56a9e0'],
  series1: ['#d55e00', '#f58a3c'],
  series2: ['#009e73', '#3cc79a'],
  series3: ['#cc79a7', '#e3a1c6'],
  series4: ['#b87d00', '#f0b840'],
  series5: ['#3f9bcf', '#9ad8f7'],
  series6: ['#000000', '#f4f4f4'],
  memory0: ['#56b4e9', '#4a93bd'],
  memory1: ['#e69f00', '#c48a10'],
  memory2: ['#009e73', '#12a37b'],
  memory3: ['#cc79a7', '#b96793'],
} as const;

/** What a colour is for. */
export type Role = keyof typeof roles;

const SERIES = [0, 1, 2, 3, 4, 5, 6].map(i => `series${i}` as Role);

/** The colour of a line or bar by its number; they repeat after seven. */
export const seriesRole = (index: number): Role => SERIES[index % SERIES.length];

/** Whether the colours have been used up once before this number: lines are dashed then. */
export const isRepeated = (index: number): boolean => index >= SERIES.length;

/** Attributes that fill an element. */
export const fill = (role: Role): string => `class="f-${role}" fill="${roles[role][0]}"`;

/** Attributes that draw an element's line. */
export const stroke = (role: Role): string => `class="s-${role}" stroke="${roles[role][0]}"`;

/** Steps of the scale of shares. */
const STEPS = 10;
/** From none to all, on light and on dark ground. */
const ENDS = [
  [
    [240, 245, 250],
    [11, 79, 138],
  ],
  [
    [35, 42, 50],
    [126, 195, 255],
  ],
] as const;

function shareColor(step: number, ground: 0 | 1): string {
  const [none, all] = ENDS[ground];
  const parts = none.map((from, i) => Math.round(from + ((all[i] - from) * step) / STEPS));
  return `#${parts.map(part => part.toString(16).padStart(2, '0')).join('')}`;
}

const stepOf = (share: number): number => Math.round(STEPS * Math.min(1, Math.max(0, share)));

/** Attributes of a field that shows a share in [0, 1]. */
export const fillShare = (share: number): string =>
  `class="f-share${stepOf(share)}" fill="${shareColor(stepOf(share), 0)}"`;

/** Attributes of words on such a field. */
export const fillOnShare = (share: number): string => {
  const step = stepOf(share);
  return `class="f-on${step}" fill="${step > STEPS / 2 ? '#ffffff' : '#222222'}"`;
};

const rules = [
  ...Object.entries(roles).flatMap(([role, [, dark]]) => [
    `.f-${role}{fill:${dark}}`,
    `.s-${role}{stroke:${dark}}`,
  ]),
  ...Array.from({length: STEPS + 1}, (_, step) => [
    `.f-share${step}{fill:${shareColor(step, 1)}}`,
    `.f-on${step}{fill:${step > STEPS / 2 ? '#111418' : '#e8e8e6'}}`,
  ]).flat(),
].map(rule => `.bmojo-plot ${rule}`);

const STYLE = `<style>@media (prefers-color-scheme:dark){.bmojo-plot{fill:${roles.ink[1]}}${rules.join('')}}</style>`;

/** A drawing of `parts` with its ground and its style. */
export function drawing(width: number, height: number, parts: readonly string[]): string {
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" class="bmojo-plot" viewBox="0 0 ${pixel(width)} ${pixel(height)}" font-family="sans-serif" fill="${roles.ink[0]}">`,
    STYLE,
    `<rect width="${pixel(width)}" height="${pixel(height)}" ${fill('ground')}/>`,
    ...parts,
    '</svg>',
  ].join('\n')}\n`;
}
