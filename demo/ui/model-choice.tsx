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
  return (
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
  );
}
