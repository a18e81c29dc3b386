// What the interventions change of the model's answers, position by position.

import {Button} from '../../ui/button.js';
import type {Looked} from '../../worker/inspect.js';
import {shown} from './words.js';

export interface EffectProps {
  readonly looked: Looked;
  onChoose(position: number): void;
}

const MOST_ROWS = 6;
/** Smaller changes of the loss, in nats, are not told. */
const LEAST = 1e-3;

interface Change {
  readonly position: number;
  readonly before: number;
  readonly after: number;
}

/** Positions whose loss or best token changes, the largest first. */
function changesOf({before, after}: Looked): Change[] {
  if (after === undefined) return [];
  return Array.from(before.losses, (loss, position) => ({
    position,
    before: loss,
    after: after.losses[position],
  }))
    .filter(({before: one, after: other}) => Math.abs(other - one) > LEAST)
    .sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
}

export function Effect({looked, onChoose}: EffectProps) {
  const {before, after, queries} = looked;
  if (after === undefined) return null;
  const changes = changesOf(looked);
  const count = (right: readonly boolean[]): number => right.filter(Boolean).length;
  return (
    <>
      <p role="status" id="effect">
        {changes.length === 0
          ? 'Nothing changes: no loss moves by 0.001 nats.'
          : `The loss changes at ${changes.length} ${changes.length === 1 ? 'position' : 'positions'}, in all by ${changes
              .reduce((sum, one) => sum + one.after - one.before, 0)
              .toFixed(3)} nats.`}
        {queries.length > 0 &&
          ` Right answers: ${count(before.right)} of ${queries.length} before, ${count(after.right)} now.`}
      </p>
      {changes.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="What changes">
          <table>
            <thead>
              <tr>
                {['at token', 'loss before', 'loss now', 'said before', 'says now'].map(name => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {changes.slice(0, MOST_ROWS).map(({position, before: one, after: other}) => (
                <tr key={position}>
                  <td>
                    <Button class="plain-button" onPress={() => onChoose(position)}>
                      {position}: {shown(looked.pieces[position])}
                    </Button>
                  </td>
                  <td class="number">{one.toFixed(3)}</td>
                  <td class="number">{other.toFixed(3)}</td>
                  <td>{shown(before.best[position])}</td>
                  <td>{shown(after.best[position])}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
