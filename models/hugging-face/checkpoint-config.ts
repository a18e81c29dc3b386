// config.json of a checkpoint, asked for one setting at a time.

import {isRecord, parseJson} from '../../formats/json-text.js';
import {MOST_LAYERS} from '../config.js';
import {refuseImport} from './import-error.js';

/** Checked before anything of a size is made: lists of so many entries still are small. */
const MOST = 2 ** 24;

/** Numbers that Python writes into JSON and JSON does not have; text in quotes is passed over. */
const PYTHON_NUMBERS = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/** The object in JSON as Python writes it: numbers that are not finite become text. Errors: CheckpointImportError. */
export function parsePythonJson(where: string, text: string): Record<string, unknown> {
  const plain = text.replace(PYTHON_NUMBERS, part => (part.startsWith('"') ? part : `"${part}"`));
  const value = parseJson(plain, () => refuseImport(where, 'it', 'JSON', text.slice(0, 40)));
  return isRecord(value) ? value : refuseImport(where, 'it', 'an object', value);
}

/**
 * Settings of a checkpoint. One that is absent or null has the layout's default; one of another type is refused by name.
 * Errors: CheckpointImportError, from every method.
 */
export class CheckpointConfig {
  constructor(
    /** The file, for messages. */
    readonly where: string,
    readonly values: Readonly<Record<string, unknown>>,
  ) {}

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  get(name: string): unknown {
    return (Object.hasOwn(this.values, name) ? this.values[name] : undefined) ?? undefined;
  }

  fail(name: string, expected: string): never {
    return refuseImport(this.where, name, expected, this.get(name));
  }

  /** A whole number from 1 to `most`, by default the largest size of anything here. */
  count(name: string, absent?: number, most = MOST): number {
    const value = this.get(name) ?? absent;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
      return this.fail(name, 'a positive integer');
    return value <= most ? value : this.fail(name, `at most ${most}`);
  }

  /** The number of layers, in the setting of this name. */
  layerCount(name = 'num_hidden_layers'): number {
    return this.count(name, undefined, MOST_LAYERS);
  }

  /** A finite number. */
  number(name: string, absent?: number): number {
    const value = this.get(name) ?? absent;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    return this.fail(name, 'a number');
  }

  flag(name: string, absent: boolean): boolean {
    const value = this.get(name) ?? absent;
    return typeof value === 'boolean' ? value : this.fail(name, 'true or false');
  }

  /** A list of so many entries; `absent` stands in where there is none. */
  list(name: string, length: number, absent?: readonly unknown[]): readonly unknown[] {
    const value = this.get(name) ?? absent;
    if (Array.isArray(value) && value.length === length) return value;
    return this.fail(name, `a list of ${length} entries`);
  }

  /** A list of so many finite numbers. */
  numbers(name: string, length: number, absent: readonly number[]): number[] {
    return this.list(name, length, absent).map(value =>
      typeof value === 'number' && Number.isFinite(value) ? value : this.fail(name, `${length} numbers`),
    );
  }

  /** The settings in a setting; none where it is absent. */
  inner(name: string): CheckpointConfig {
    const value = this.get(name) ?? {};
    if (!isRecord(value)) return this.fail(name, 'an object');
    return new CheckpointConfig(`${this.where}: ${name}`, value);
  }

  /** Refuses every value but these of a setting that our layers have no other form of; absent ones are fine. */
  mustBe(name: string, ...wanted: readonly unknown[]): void {
    const value = this.get(name);
    if (value === undefined || wanted.includes(value)) return;
    this.fail(name, wanted.map(one => JSON.stringify(one)).join(' or '));
  }

  /** Refuses settings beside these: of a configuration whose every entry counts. */
  allow(...names: readonly string[]): void {
    const other = Object.keys(this.values).find(name => !names.includes(name));
    if (other !== undefined)
      refuseImport(this.where, other, 'absent, for nothing here has a place for it', this.get(other));
  }
}

/** Wavelength base of rotary positions, of which only the plain form is ours. Errors: CheckpointImportError for a scaling. */
export function rotaryBase(config: CheckpointConfig, absent = 10_000): number {
  for (const name of ['rope_scaling', 'rope_parameters']) {
    const rope = config.inner(name);
    rope.mustBe('rope_type', 'default');
    rope.mustBe('type', 'default');
    rope.mustBe('partial_rotary_factor', 1);
    rope.mustBe('factor', 1);
  }
  config.mustBe('partial_rotary_factor', 1);
  const inner = config.inner('rope_parameters');
  return inner.has('rope_theta') ? inner.number('rope_theta') : config.number('rope_theta', absent);
}
