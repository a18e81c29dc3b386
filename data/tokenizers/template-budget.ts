// Templates come with folders of others: one whose loops do not end, or whose lists grow without end, must not stop a program.
// The Jinja library bounds nothing. Its interpreter asks `evaluate` for every part of a template; here each asking costs steps,
// more where its value is long, so that time and memory are bounded by the same count on every machine.

import type {Template} from '@huggingface/jinja';
import {isRecord} from '../../formats/json-text.js';
import {ChatTemplateError} from './chat-template-error.js';

type Jinja = typeof import('@huggingface/jinja');
type Program = Template['parsed'];
/** Without a type where the library's own do not reach those who import it. */
type Evaluate = InstanceType<Jinja['Interpreter']>['evaluate'];

/** Steps of a short conversation, those that each character of a longer one adds, and those of the longest. */
const [STEPS, STEPS_A_CHARACTER, MOST_STEPS] = [2_000_000, 200, 50_000_000];

/** Characters of a template, and of white space on end in one: the library's first look takes their product. */
const [MOST_SOURCE, MOST_SPACE] = [1 << 18, 1 << 12];

/** Characters of a text, or entries of a list, that are read in the time of one step. */
const READ_A_STEP = 8;
/** Steps that an entry of a new list costs, for its memory. */
const ENTRY = 8;
/** Steps of asking for a variable that does not exist, which the library finds out by throwing. */
const UNKNOWN = 20;

/** Parts whose whole content the library looks through whenever they are reached. */
const LOOKED_THROUGH: ReadonlySet<unknown> = new Set(['Macro', 'CallStatement']);

/** Errors: ChatTemplateError for a template that would take long to read. */
export function checkSource(source: string): void {
  if (source.length > MOST_SOURCE)
    throw new ChatTemplateError(
      `the chat template must have at most ${MOST_SOURCE} characters, has ${source.length}`,
    );
  const longest = source.split(/\S+/).reduce((most, {length}) => Math.max(most, length), 0);
  if (longest > MOST_SPACE)
    throw new ChatTemplateError(
      `the chat template must have at most ${MOST_SPACE} characters of white space on end, has ${longest}`,
    );
}

function partsOf(value: object): unknown[] {
  return value instanceof Map ? [...value.keys(), ...value.values()] : Object.values(value);
}

/** Parts of a parsed template. */
function countParts(node: unknown): number {
  if (typeof node !== 'object' || node === null) return 0;
  return partsOf(node).reduce<number>((sum, part) => sum + countParts(part), 1);
}

/** What a value of the library holds; filters of empty lists give no value at all. */
function heldBy(value: unknown): unknown {
  return isRecord(value) ? value.value : undefined;
}

/** Characters of a text, entries of a list. */
function lengthOf(held: unknown): number {
  if (held instanceof Map) return held.size;
  return typeof held === 'string' || Array.isArray(held) ? held.length : 0;
}

class Budget {
  private readonly all: number;
  private left: number;
  /** Characters of the written form of lists that cannot change. */
  private readonly sizes = new WeakMap<object, number>();
  private readonly parts = new WeakMap<object, number>();

  constructor(characters: number) {
    this.all = Math.min(STEPS + STEPS_A_CHARACTER * characters, MOST_STEPS);
    this.left = this.all;
  }

  /** Errors: ChatTemplateError when more was spent than there is. */
  spend(steps: number): void {
    this.left -= steps;
    if (this.left >= 0) return;
    throw new ChatTemplateError(
      `the chat template takes more than the ${this.all} steps that this conversation is worth: its loops or its texts may have no ` +
        'end; do without it, and write the prompt in full',
    );
  }

  reach(node: unknown): void {
    if (!isRecord(node) || !LOOKED_THROUGH.has(node.type)) this.spend(1);
    else {
      const parts = this.parts.get(node) ?? countParts(node);
      this.parts.set(node, parts);
      this.spend(parts);
    }
  }

  take(node: unknown, value: unknown): void {
    const held = heldBy(value);
    if (held === undefined && isRecord(node) && node.type === 'Identifier') this.spend(UNKNOWN);
    if (typeof held === 'object') {
      const {size} = this.written(value);
      if (size > this.left) this.spend(size);
    }
    this.spend(Math.ceil(lengthOf(held) / READ_A_STEP));
  }

  /**
   * Characters of a value as text: a list that holds another twice writes it twice, and one of forty such lists inside each other
   * would never be written. A namespace can change, and so can what holds one.
   */
  private written(value: unknown): {size: number; isFixed: boolean} {
    const held = heldBy(value);
    if (typeof held === 'string') return {size: 1 + held.length, isFixed: true};
    if (!isRecord(value) || typeof held !== 'object' || held === null) return {size: 1, isFixed: true};
    const known = this.sizes.get(value);
    if (known !== undefined) return {size: known, isFixed: true};
    const entries: unknown[] = held instanceof Map ? [...held.values()] : Array.isArray(held) ? held : [];
    this.spend(ENTRY * entries.length);
    let size = 1;
    let isFixed = value.type !== 'NamespaceValue';
    if (held instanceof Map) for (const key of held.keys()) size += String(key).length;
    for (const entry of entries) {
      const own = this.written(entry);
      size += own.size;
      isFixed &&= own.isFixed;
    }
    if (isFixed) this.sizes.set(value, size);
    return {size, isFixed};
  }
}

/** Python's range. Errors: Error, which the template's refusal names; ChatTemplateError. */
function rangeWithin(budget: Budget): (...bounds: unknown[]) => number[] {
  return (...bounds) => {
    const [from, to, step = 1] = bounds.length === 1 ? [0, ...bounds] : bounds;
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || !Number.isSafeInteger(step) || step === 0)
      throw new Error(`range() takes whole numbers, the third not 0, got ${bounds.map(String).join(', ')}`);
    const [first, by] = [Number(from), Number(step)];
    const length = Math.max(0, Math.ceil((Number(to) - first) / by));
    budget.spend(ENTRY * length);
    return Array.from({length}, (_, i) => first + i * by);
  };
}

/** The names that templates find without being told. */
function globals(jinja: Jinja, budget: Budget): Record<string, unknown> {
  const constants = {true: true, false: false, none: null, True: true, False: false, None: null};
  return {
    ...constants,
    range: rangeWithin(budget),
    raise_exception: (words: unknown) => {
      throw new Error(String(words));
    },
    strftime_now: (format: unknown) =>
      new jinja.Template('{{ strftime_now(format) }}').render({format: String(format)}),
  };
}

/**
 * The text of a parsed template, whose variables hold `characters` characters. Errors: ChatTemplateError when it takes more
 * steps than these are worth; what the library says.
 */
export function renderBounded(
  jinja: Jinja,
  program: Program,
  variables: Readonly<Record<string, unknown>>,
  characters: number,
): string {
  const budget = new Budget(characters);
  const environment = new jinja.Environment();
  for (const [name, value] of Object.entries({...globals(jinja, budget), ...variables}))
    environment.set(name, value);
  const interpreter = new jinja.Interpreter(environment);
  const evaluate: Evaluate = interpreter.evaluate.bind(interpreter);
  interpreter.evaluate = (...given: Parameters<Evaluate>) => {
    budget.reach(given[0]);
    const value = evaluate(...given);
    budget.take(given[0], value);
    return value;
  };
  return String(interpreter.run(program).value);
}
