// The chosen token: how its attention divides, when it is stored, what it reads; all of one answer of the worker.

import type {Attended, Looked} from '../../worker/inspect.js';
import {Reading} from './reading.js';
import {Storage} from './storage.js';
import {memories, percent, sharesAt, shown, storedWords} from './words.js';

export interface ChosenTokenProps {
  readonly looked: Looked;
  /** Of what was looked at. */
  readonly attended: Attended;
  /** -1, or one that the layer does not have: the mean of all. */
  readonly head: number;
  onChoose(position: number): void;
  onForget(position: number): void;
}

export function ChosenToken({looked, attended, head: wanted, onChoose, onForget}: ChosenTokenProps) {
  const {before, after, pieces} = looked;
  const {position, layer: index} = attended;
  const layer = (after ?? before).layers[index];
  const head = wanted < layer.heads ? wanted : -1;
  const shares = sharesAt(layer, position, head);
  const stored = storedWords(layer, position);
  const unchanged = storedWords(before.layers[index], position);
  return (
    <>
      <h2>
        Token {position}: {shown(pieces[position])}
      </h2>
      <p id="chosen">
        {shares === undefined
          ? ''
          : `Its attention in layer ${index + 1}: ${shares.map((share, i) => `${memories[i]} ${percent(share)}`).join(', ')}. `}
        {stored === '' ? 'It is never stored. ' : `It is ${stored}. `}
        {unchanged === stored ? '' : `Unchanged, it is ${unchanged === '' ? 'never stored' : unchanged}.`}
      </p>
      <Reading attended={attended} pieces={pieces} head={head} onChoose={onChoose} onForget={onForget} />
      {shares !== undefined && shares.length > memories.indexOf('storage') && (
        <Storage
          at={position}
          pieces={pieces}
          rows={attended.after ?? attended.before}
          heads={layer.heads}
          onChoose={onChoose}
        />
      )}
    </>
  );
}
