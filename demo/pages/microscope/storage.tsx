// The fourth memory: what the chosen token asked storage, what came back, and from how far.

import type {ReadRow} from '../../../eval/index.js';
import {Button} from '../../ui/button.js';
import {percent, shown, tokensBack} from './words.js';

export interface StorageProps {
  readonly at: number;
  readonly pieces: readonly string[];
  /** All rows that the token reads. */
  readonly rows: readonly ReadRow[];
  readonly heads: number;
  onChoose(position: number): void;
}

export function Storage({at, pieces, rows, heads, onChoose}: StorageProps) {
  const stored = rows.filter(({memory}) => memory === 'storage');
  /** A head gives no weight at all to what only others retrieved. */
  const ofHead = (head: number): ReadRow[] =>
    stored.filter(({weights}) => weights[head] > 0).sort((a, b) => b.weights[head] - a.weights[head]);
  return (
    <section aria-label="What storage gave back">
      <h3>What storage gave back</h3>
      <p>
        {stored.length === 0
          ? `Nothing: no token has left the window when token ${at} asks.`
          : `Token ${at} (${shown(pieces[at])}) asked all tokens that have left the window, each head with a query of its own; the best matches came back:`}
      </p>
      {stored.length > 0 && (
        <ul class="plain">
          {Array.from({length: heads}, (_, head) => (
            <li key={head}>
              Head {head + 1}:{' '}
              {ofHead(head).map(({position, distance, weights}, i) => (
                <span key={position}>
                  {i === 0 ? '' : '; '}
                  <Button class="plain-button" onPress={() => onChoose(position)}>
                    {position}: {shown(pieces[position])}
                  </Button>
                  , {tokensBack(distance)}, read with {percent(weights[head])}
                </span>
              ))}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
