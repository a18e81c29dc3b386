// What is looked at: recall of pairs by a seed, or a text of the visitor's.

import {useSignal} from '@preact/signals';
import type {SequenceSource} from '../../worker/sequence.js';
import {recall} from './link.js';

export interface SourceProps {
  readonly source: SequenceSource;
  readonly disabled: boolean;
  onChange(source: SequenceSource): void;
}

export function Source({source, disabled, onChange}: SourceProps) {
  const draft = useSignal(source.kind === 'text' ? source.text : '');
  const numbers = source.kind === 'recall' ? source : recall;
  return (
    <fieldset disabled={disabled}>
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
            onChange={() => onChange({kind: 'text', text: draft.value || 'To be, or not to be'})}
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
              <input
                class="small"
                type="number"
                min={key === 'seed' ? 0 : 1}
                value={numbers[key]}
                onChange={event => {
                  const value = event.currentTarget.valueAsNumber;
                  if (Number.isInteger(value) && value >= 0) onChange({...numbers, [key]: value});
                }}
              />
            </label>
          ))}
          <button type="button" onClick={() => onChange({...numbers, seed: numbers.seed + 1})}>
            Another
          </button>
        </p>
      ) : (
        <p>
          <label for="own-text">Text</label>
          <textarea
            id="own-text"
            rows={3}
            value={draft.value || source.text}
            onInput={event => {
              draft.value = event.currentTarget.value;
            }}
          />
          <button type="button" onClick={() => onChange({kind: 'text', text: draft.value || source.text})}>
            Look at it
          </button>
        </p>
      )}
    </fieldset>
  );
}
