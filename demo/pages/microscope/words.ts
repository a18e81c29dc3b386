// What is seen of a token, in words.

import type {InspectedLayer, ReadRow} from '../../../eval/index.js';

export const memories = ['window', 'fading', 'eidetic', 'storage'] as const;

const memoryWords = {
  window: 'in the window',
  fading: 'in the fading memory',
  eidetic: 'kept word for word',
  storage: 'retrieved from storage',
} as const;

export const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** What a piece looks like where spaces and line ends would be lost. */
export function shown(piece: string): string {
  return piece.replaceAll(' ', '␣').replaceAll('\n', '⏎').replaceAll('\t', '⇥') || '∅';
}

/** The share of one head, or the mean of all for head -1. */
export function ofHead(shares: readonly number[], head: number): number {
  if (head >= 0) return shares[head] ?? 0;
  return shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
}

/** Shares of window, fading and eidetic memory, and of storage where the layer has it, at a position; undefined without attention. */
export function sharesAt(
  {shares = []}: InspectedLayer,
  position: number,
  head: number,
): readonly number[] | undefined {
  if (shares.length === 0) return undefined;
  return shares[0][position].map((_, memory) =>
    ofHead(
      shares.map(rows => rows[position][memory]),
      head,
    ),
  );
}

/** The times that a token is stored, as one sentence; empty where it never is. */
export function storedWords({stored = []}: InspectedLayer, position: number): string {
  return stored
    .filter(one => one.position === position)
    .map(({from, until, displacedBy}) => {
      const end = displacedBy === undefined ? '' : `, displaced by token ${displacedBy}`;
      return `stored for queries ${from} to ${until - 1}${end}`;
    })
    .join('; ');
}

export const tokensBack = (distance: number): string =>
  distance === 0 ? 'itself' : distance === 1 ? '1 token back' : `${distance} tokens back`;

/** What a query reads, as sentences. */
export function readWords(rows: readonly ReadRow[], pieces: readonly string[], head: number): string {
  if (rows.length === 0) return 'This layer has no attention: everything it knows is in its fading memory.';
  const heaviest = [...rows].sort((a, b) => ofHead(b.weights, head) - ofHead(a.weights, head)).slice(0, 3);
  const parts = heaviest
    .filter(({weights}) => ofHead(weights, head) >= 0.01)
    .map(
      ({memory, position, distance, weights}) =>
        `${percent(ofHead(weights, head))} of token ${position} (${shown(pieces[position])}), ${memoryWords[memory]}, ${tokensBack(distance)}`,
    );
  const far = rows.reduce((sum, {weights, distance}) => sum + distance * ofHead(weights, head), 0);
  return `It reads ${parts.join('; ')}. On average it looks ${far.toFixed(1)} tokens back.`;
}
