// The five steps of the tour: what is said, what of the view is shown with it, and where on the page.

import type {InspectedLayer} from '../../../eval/index.js';
import type {Looked} from '../../worker/inspect.js';
import type {View} from './link.js';
import {ofHead} from './words.js';

export interface TourStep {
  readonly title: string;
  readonly words: string;
  /** Id of what is brought into sight. */
  readonly anchor: string;
  /** What the view becomes, from what is seen of the model unchanged. */
  view(looked: Looked): Partial<View>;
}

/** The last memory of a share row: tokens kept word for word. */
const EIDETIC = 2;

/** The layer that keeps most tokens; the first where none does. */
function keepingLayer(layers: readonly InspectedLayer[]): number {
  const counts = layers.map(({stored = []}) => stored.length);
  return Math.max(0, counts.indexOf(Math.max(...counts)));
}

/** The token that is kept longest in a layer. */
function longestKept({stored = []}: InspectedLayer): number | undefined {
  const [longest] = [...stored].sort((a, b) => b.until - b.from - (a.until - a.from));
  return longest?.position;
}

/** A token that reads what is kept, and one of those that it could not do without. */
interface Example {
  readonly layer: number;
  readonly at: number;
  readonly needed: number;
}

const isKept = ({stored = []}: InspectedLayer, position: number, at: number): boolean =>
  stored.some(one => one.position === position && one.from <= at && at < one.until);

/**
 * The question that is answered rightly and attends most to what is kept, with the value that it asks for, where that value
 * is kept; of text, the token that attends most to it, with the token that is kept longest.
 */
export function exampleOf({before, queries}: Looked): Example | undefined {
  const {layers, right} = before;
  const share = (layer: number, at: number): number =>
    ofHead(
      (layers[layer].shares ?? []).map(rows => rows[at][EIDETIC]),
      -1,
    );
  const asked = queries.flatMap(({position: at, distance}, i) => {
    const needed = at - distance;
    return layers.flatMap((one, layer) =>
      right[i] && isKept(one, needed, at) ? [{layer, at, needed, share: share(layer, at)}] : [],
    );
  });
  const layer = keepingLayer(layers);
  const longest = longestKept(layers[layer]);
  const reading =
    longest === undefined
      ? []
      : Array.from({length: before.losses.length}, (_, at) => ({
          layer,
          at,
          needed: longest,
          share: isKept(layers[layer], longest, at) ? share(layer, at) : -1,
        })).filter(one => one.share >= 0);
  const [best] = [...(asked.length > 0 ? asked : reading)].sort((a, b) => b.share - a.share);
  return best && {layer: best.layer, at: best.at, needed: best.needed};
}

export const tourSteps: readonly TourStep[] = [
  {
    title: 'Tokens, coloured by surprise',
    words:
      'Every cell is a token. The deeper its colour, the less the fading memory had expected it: that is its innovation.',
    anchor: 'strip',
    view: ({before}) => ({interventions: [], at: undefined, layer: keepingLayer(before.layers), head: -1}),
  },
  {
    title: 'What is kept',
    words:
      'Tokens of large innovation are kept word for word: underlined while stored, struck where a token of larger innovation took the place, with its number. The chosen token is the one that is kept longest.',
    anchor: 'strip',
    view: ({before}) => {
      const layer = keepingLayer(before.layers);
      return {interventions: [], layer, head: -1, at: longestKept(before.layers[layer])};
    },
  },
  {
    title: 'What a token reads',
    words:
      'Choose a token by a click or the arrow keys. The bars show how each token divides its attention; below stands what the chosen one reads, and how far back. This one reads much of what is kept.',
    anchor: 'chosen',
    view: looked => {
      const example = exampleOf(looked);
      return {interventions: [], head: -1, ...(example && {layer: example.layer, at: example.at})};
    },
  },
  {
    title: 'Change the memory',
    words:
      'A token that is kept has just been forgotten in all layers. What needed it goes wrong, all else stays: the loss at every position tells.',
    anchor: 'effect',
    view: looked => {
      const example = exampleOf(looked);
      return example === undefined
        ? {interventions: []}
        : {
            layer: example.layer,
            at: example.at,
            head: -1,
            interventions: [{kind: 'forget', position: example.needed}],
          };
    },
  },
  {
    title: 'Why it matters',
    words:
      'The state has a fixed size, however long the text; the cache of a Transformer grows with every token. The plot shows both. The memory is as it was again.',
    anchor: 'state',
    view: () => ({interventions: []}),
  },
];
