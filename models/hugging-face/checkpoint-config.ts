// config.json of a checkpoint, asked for one setting at a time.

import {isRecord, parseJson} from '../../formats/json-text.js';
import {MOST_LAYERS} from '../config.js';
import {refuseImport} from './import-error.js';

/** Checked before anything of a size is made: lists of so many entries still are small. */
const MOST = 2 ** 24;
/** Of factors of weights: products of three are float32 still. */
const LEAST_FACTOR = 1e-12;
/** Of rotary positions, as in the mixer's schema. */
const MOST_ROTARY_BASE = 1e12;

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

  /** Whether it stands there at all, be it null. */
  names(name: string): boolean {
    return Object.hasOwn(this.values, name);
  }

  get(name: string): unknown {
    return (this.names(name) ? this.values[name] : undefined) ?? undefined;
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

  /** What a norm adds to the mean square. */
  epsilon(name: string, absent: number): number {
    const value = this.number(name, absent);
    return value >= 0 && value <= 1 ? value : this.fail(name, 'a number from 0 to 1');
  }

  /** The same of a norm that a layer of ours leaves out where this is 0. */
  positiveEpsilon(name: string, absent: number): number {
    const value = this.epsilon(name, absent);
    return value > 0 ? value : this.fail(name, 'above 0');
  }

  /** A factor of weights, by default 1. Not 0, which nothing leads back from. */
  factor(name: string): number {
    return this.asFactor(name, this.number(name, 1));
  }

  factors(name: string, length: number): number[] {
    return this.numbers(name, length, Array<number>(length).fill(1)).map(value => this.asFactor(name, value));
  }

  private asFactor(name: string, value: number): number {
    const size = Math.abs(value);
    return size >= LEAST_FACTOR && size <= 1 / LEAST_FACTOR
      ? value
      : this.fail(name, `of a size from ${LEAST_FACTOR} to ${1 / LEAST_FACTOR}`);
  }

  /** The model's width times the factor in this setting, cut to a whole number. */
  expandedWidth(name: string): number {
    const width = Math.trunc(this.number(name, 2) * this.count('hidden_size'));
    return width >= 1 && width <= MOST
      ? width
      : this.fail(name, `such that it makes a width from 1 to ${MOST}`);
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
  const given = inner.has('rope_theta') ? inner : config;
  const base = given.number('rope_theta', absent);
  return base >= 1 && base <= MOST_ROTARY_BASE
    ? base
    : given.fail('rope_theta', `a number from 1 to ${MOST_ROTARY_BASE}`);
}
