// Other models beside it, on the same sample: right or wrong, question by question.

import {Button} from '../../ui/button.js';
import {bytesText} from '../../ui/bytes.js';
import type {TwinAnswers} from '../../worker/twins.js';
import {percent} from './words.js';

export interface TwinsProps {
  readonly twins: readonly (TwinAnswers & {readonly title: string})[];
  onChoose(position: number): void;
}

export function Twins({twins, onChoose}: TwinsProps) {
  const [first] = twins;
  if (first === undefined) return null;
  return (
    <>
      <p>
        Guessing among the {first.answers.length} values of the sample is right{' '}
        {percent(1 / first.answers.length)} of the time. A window alone does not see what is asked for from
        farther back. Mamba writes every pair into a state of fixed size before it knows what will be asked:
        at this size, and trained as long as the others, it guesses. Attention to all of the past recalls, at
        the price of a state that grows.
      </p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Answers of each model">
        <table>
          <thead>
            <tr>
              <th scope="col">model</th>
              <th scope="col">right</th>
              <th scope="col">in its test</th>
              <th scope="col">state</th>
              {first.answers.map(({position, wanted}) => (
                <th key={position} scope="col">
                  <Button class="plain-button" onPress={() => onChoose(position)}>
                    {position}: {wanted}
                  </Button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {twins.map(({name, title, stateBytes, accuracy, answers}) => (
              <tr key={name}>
                <th scope="row">{title}</th>
                <td class="number">
                  {answers.filter(({right}) => right).length} of {answers.length}
                </td>
                <td class="number">{accuracy === undefined ? '' : percent(accuracy)}</td>
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
    </>
  );
}
