// Which model: those that ship with the site, and the visitor's own.

import type {ListedModel} from '../worker/models.js';
import {bytesText} from './bytes.js';

export interface ModelChoiceProps {
  readonly models: readonly ListedModel[];
  readonly chosen?: string;
  readonly disabled?: boolean;
  onChoose(name: string): void;
}

export function ModelChoice({models, chosen, disabled = false, onChoose}: ModelChoiceProps) {
  const model = models.find(({name}) => name === chosen);
  return (
    <>
      <p class="actions">
        <label for="model">Model</label>
        <select
          id="model"
          disabled={disabled}
          value={chosen}
          onChange={event => onChoose(event.currentTarget.value)}
        >
          {models.map(({name, title, shipped, bytes}) => (
            <option key={name} value={name}>
              {shipped ? title : `${name}: ${title}`}
              {bytes === undefined ? '' : ` (${bytesText(bytes)}, kept here)`}
            </option>
          ))}
        </select>
      </p>
      {model?.command !== undefined && (
        <details>
          <summary>How it was made</summary>
          <p>
            <code>npx {model.command}</code>
          </p>
          {model.shipped && (
            <p>
              <a href={`models/${model.name}/card.json`}>Its card</a>: settings, evaluation, files and their
              digests.
            </p>
          )}
        </details>
      )}
    </>
  );
}
