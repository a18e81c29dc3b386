// What is looked at: recall of pairs by a seed, or a text of the visitor's.

import {useSignal} from '@preact/signals';
import {useEffect} from 'preact/hooks';
import {Button} from '../../ui/button.js';
import {NumberField} from '../../ui/number-field.js';
import type {SequenceSource} from '../../worker/sequence.js';
import {PASSAGE, recall} from './link.js';

export interface SourceProps {
  readonly source: SequenceSource;
  onChange(source: SequenceSource): void;
}

export function Source({source, onChange}: SourceProps) {
  const draft = useSignal(PASSAGE);
  const text = source.kind === 'text' ? source.text : undefined;
  useEffect(() => {
    if (text !== undefined) draft.value = text;
  }, [text]);
  const numbers = source.kind === 'recall' ? source : recall;
  return (
    <fieldset>
      <legend>What it reads</legend>
      <div class="actions" role="radiogroup" aria-label="What it reads">
        <label>
          <input
            type="radio"
            name="source"
            checked={source.kind === 'recall'}
            onChange={() => onChange(recall)}
          />{' '}
          recall of pairs
        </label>
        <label>
          <input
            type="radio"
            name="source"
            checked={source.kind === 'text'}
            onChange={() => onChange({kind: 'text', text: draft.value})}
          />{' '}
          your own text
        </label>
      </div>
      {source.kind === 'recall' && (
        <p>
          First come pairs of a key (k) and its value (v), then some of the keys again, between fillers (·):
          behind each the model has to say the value that the key had.
        </p>
      )}
      {source.kind === 'recall' ? (
        <p class="actions">
          {(['seed', 'length', 'pairs'] as const).map(key => (
            <label key={key}>
              {key}{' '}
              <NumberField
                class="small"
                min={key === 'seed' ? 0 : 1}
                value={numbers[key]}
                onChange={value => {
                  if (Number.isInteger(value) && value >= 0) onChange({...numbers, [key]: value});
                }}
              />
            </label>
          ))}
          <Button onPress={() => onChange({...numbers, seed: numbers.seed + 1})}>Another</Button>
        </p>
      ) : (
        <p>
          <label for="own-text">Text</label>
          <textarea
            id="own-text"
            rows={3}
            value={draft.value}
            onInput={event => {
              draft.value = event.currentTarget.value;
            }}
          />
          <Button onPress={() => onChange({kind: 'text', text: draft.value})}>Look at it</Button>
        </p>
      )}
    </fieldset>
  );
}
