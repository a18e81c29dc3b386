// What the chosen token reads, and what the model expects behind it.

import type {ReadRow} from '../../../eval/index.js';
import {Button} from '../../ui/button.js';
import type {Attended} from '../../worker/inspect.js';
import {ofHead, percent, readWords, shown} from './words.js';

export interface ReadingProps {
  readonly attended: Attended;
  readonly pieces: readonly string[];
  readonly head: number;
  onChoose(position: number): void;
  onForget(position: number): void;
}

const MOST_ROWS = 8;

export function Reading({attended, pieces, head, onChoose, onForget}: ReadingProps) {
  const {before, after, next} = attended;
  const rows = after ?? before;
  const heaviest = [...rows]
    .sort((a, b) => ofHead(b.weights, head) - ofHead(a.weights, head))
    .slice(0, MOST_ROWS);
  const heads = rows[0]?.weights.length ?? 0;
  const unchanged = (row: ReadRow): string => {
    const same = before.find(({memory, position}) => memory === row.memory && position === row.position);
    return same === undefined ? 'not seen' : percent(ofHead(same.weights, head));
  };
  return (
    <>
      <p>{readWords(rows, pieces, head)}</p>
      <div class="side-by-side">
        {rows.length > 0 && (
          <div class="scroll" tabIndex={0} role="region" aria-label="What it reads">
            <table>
              <thead>
                <tr>
                  <th scope="col">token</th>
                  <th scope="col">memory</th>
                  <th scope="col">back</th>
                  <th scope="col">{head < 0 ? 'mean' : `head ${head + 1}`}</th>
                  {after !== undefined && <th scope="col">unchanged</th>}
                  {Array.from({length: heads}, (_, one) => (
                    <th key={one} scope="col">
                      head {one + 1}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {heaviest.map(row => (
                  <tr key={`${row.memory} ${row.position}`}>
                    <td>
                      <Button class="plain-button" onPress={() => onChoose(row.position)}>
                        {row.position}: {shown(pieces[row.position])}
                      </Button>
                    </td>
                    <td>
                      <span class={`key ${row.memory}`}>{row.memory}</span>{' '}
                      {row.memory === 'eidetic' && (
                        <Button
                          class="plain-button"
                          label={`forget token ${row.position}`}
                          onPress={() => onForget(row.position)}
                        >
                          forget
                        </Button>
                      )}
                    </td>
                    <td class="number">{row.distance}</td>
                    <td class="number">{percent(ofHead(row.weights, head))}</td>
                    {after !== undefined && <td class="number">{unchanged(row)}</td>}
                    {row.weights.map((weight, one) => (
                      <td key={one} class="number">
                        {percent(weight)}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        <div class="scroll" tabIndex={0} role="region" aria-label="What comes next">
          <table>
            <thead>
              <tr>
                <th scope="col">next token</th>
                <th scope="col">{after === undefined ? 'probability' : 'unchanged'}</th>
                {after !== undefined && <th scope="col">changed</th>}
              </tr>
            </thead>
            <tbody>
              {next.map(({piece, before: one, after: other}, i) => (
                <tr key={`${i} ${piece}`}>
                  <td>{shown(piece)}</td>
                  <td class="number" title={one.toPrecision(6)}>
                    {(100 * one).toFixed(1)} %
                  </td>
                  {other !== undefined && (
                    <td class="number" title={other.toPrecision(6)}>
                      {(100 * other).toFixed(1)} %
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </>
  );
}
