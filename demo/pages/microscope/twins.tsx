// Other models beside it, on the same sample: right or wrong, question by question.

import {bytesText} from '../../ui/bytes.js';
import type {TwinAnswers} from '../../worker/twins.js';

export interface TwinsProps {
  readonly twins: readonly (TwinAnswers & {readonly title: string})[];
  onChoose(position: number): void;
}

export function Twins({twins, onChoose}: TwinsProps) {
  const [first] = twins;
  if (first === undefined) return null;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Answers of each model">
      <table>
        <thead>
          <tr>
            <th scope="col">model</th>
            <th scope="col">right</th>
            <th scope="col">state</th>
            {first.answers.map(({position, wanted}) => (
              <th key={position} scope="col">
                <button class="plain-button" type="button" onClick={() => onChoose(position)}>
                  {position}: {wanted}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {twins.map(({name, title, stateBytes, answers}) => (
            <tr key={name}>
              <th scope="row">{title}</th>
              <td class="number">
                {answers.filter(({right}) => right).length} of {answers.length}
              </td>
              <td class="number">{bytesText(stateBytes)}</td>
              {answers.map(({position, said, right}) => (
                <td key={position} class={right ? undefined : 'wrong'}>
                  {right ? '✓' : '✗'} {said}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
