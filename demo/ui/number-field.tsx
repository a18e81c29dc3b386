// A field for a number: what is typed stays as it is while it is typed, each number on the way is told.

import {useSignal} from '@preact/signals';

export interface NumberFieldProps {
  readonly value: number;
  readonly id?: string;
  readonly class?: string;
  readonly disabled?: boolean;
  readonly min?: number;
  readonly max?: number;
  /** Default 1. */
  readonly step?: number | 'any';
  readonly 'aria-describedby'?: string;
  onChange(value: number): void;
}

export function NumberField({value, onChange, ...rest}: NumberFieldProps) {
  const typed = useSignal<string | undefined>(undefined);
  return (
    <input
      {...rest}
      type="number"
      value={typed.value ?? String(value)}
      onInput={({currentTarget}) => {
        typed.value = currentTarget.value;
        if (!Number.isNaN(currentTarget.valueAsNumber)) onChange(currentTarget.valueAsNumber);
      }}
      onBlur={() => {
        typed.value = undefined;
      }}
    />
  );
}
