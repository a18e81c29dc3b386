// How the matrices of an opened model are held: as they were trained, or in half of the memory.

import type {WeightDType} from '../../formats/weight-dtype.js';
import {weightDTypes} from '../../formats/weight-dtype.js';

/** The choice that an address names; float32 where it names none of them. */
export function dtypeIn(parts: URLSearchParams): WeightDType {
  const named = parts.get('dtype');
  return weightDTypes.find(one => one === named) ?? 'float32';
}

/** What an address says of the choice: nothing where it is the usual one. */
export const dtypeParts = (dtype: WeightDType): {readonly dtype?: WeightDType} =>
  dtype === 'float32' ? {} : {dtype};

const titles: Readonly<Record<WeightDType, string>> = {
  float32: 'float32, as computed',
  float16: 'float16, half of the memory',
  bfloat16: 'bfloat16, half of the memory',
};

const rounded = (bits: number, range: string): string =>
  `Two bytes for each number of the matrices in place of four: half of the memory, and half to read for each token that is written. Numbers are rounded to ${bits} significant bits, so that what the model says may change a little. ${range} Such a model reads and writes, but cannot be trained: Train here makes models in float32.`;

const words: Readonly<Record<WeightDType, string>> = {
  float32: 'Each number of the model takes four bytes.',
  float16: rounded(11, 'A model with a number beyond 65,504 is refused.'),
  bfloat16: rounded(8, 'They may be as large as in float32.'),
};

export interface HeldAsProps {
  readonly dtype: WeightDType;
  readonly disabled?: boolean;
  onChoose(dtype: WeightDType): void;
}

export function HeldAs({dtype, disabled = false, onChoose}: HeldAsProps) {
  return (
    <>
      <p class="actions">
        <label for="dtype">Held in</label>
        <select
          id="dtype"
          aria-describedby="dtype-words"
          disabled={disabled}
          value={dtype}
          onChange={({currentTarget: {value}}) =>
            onChoose(weightDTypes.find(one => one === value) ?? 'float32')
          }
        >
          {weightDTypes.map(one => (
            <option key={one} value={one}>
              {titles[one]}
            </option>
          ))}
        </select>
      </p>
      <p class="note" id="dtype-words">
        {words[dtype]}
      </p>
    </>
  );
}
