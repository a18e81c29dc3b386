// Settings as a form, from the schema that checks them: names, ranges and words come from there.

import {useId} from 'preact/hooks';
import type {Field, Schema} from '../../config/schema.js';
import {NumberField} from './number-field.js';

export type Values = Readonly<Record<string, unknown>>;

export interface ControlsProps {
  readonly schema: Schema;
  /** Settings to show, in this order. */
  readonly keys: readonly string[];
  readonly values: Values;
  readonly disabled?: boolean;
  onChange(key: string, value: unknown): void;
}

/** `eideticSlots` as `eidetic slots`. */
export function wordsOf(key: string): string {
  return key.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`);
}

export function Controls({schema, keys, values, disabled = false, onChange}: ControlsProps) {
  const form = useId();
  return (
    <div class="controls">
      {keys.map(key => {
        const field = schema[key];
        const id = `${form}-${key}`;
        return (
          <div key={key} class="control">
            <label for={id}>{wordsOf(key)}</label>
            <Input
              id={id}
              field={field}
              value={values[key] ?? field.default}
              disabled={disabled}
              onChange={value => onChange(key, value)}
            />
            <small id={`${id}-why`}>{field.why}</small>
          </div>
        );
      })}
    </div>
  );
}

interface InputProps {
  readonly id: string;
  readonly field: Field;
  readonly value: unknown;
  readonly disabled: boolean;
  onChange(value: unknown): void;
}

function Input({id, field, value, disabled, onChange}: InputProps) {
  const about = {id, disabled, 'aria-describedby': `${id}-why`};
  switch (field.kind) {
    case 'choice':
      return (
        <select {...about} value={String(value)} onChange={event => onChange(event.currentTarget.value)}>
          {field.choices.map(choice => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      );
    case 'boolean':
      return (
        <input
          {...about}
          type="checkbox"
          checked={value === true}
          onChange={event => onChange(event.currentTarget.checked)}
        />
      );
    case 'text':
      return (
        <input
          {...about}
          type="text"
          value={String(value)}
          onChange={event => onChange(event.currentTarget.value)}
        />
      );
    default:
      return (
        <NumberField
          {...about}
          min={field.min}
          max={field.max}
          step={field.kind === 'integer' ? 1 : 'any'}
          value={Number(value)}
          onChange={onChange}
        />
      );
  }
}
