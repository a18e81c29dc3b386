// Rows of floats by fours: four floats of a row, zeros beyond its end, whatever width the row has and however it is bound.

import type {Bindings} from './plan.js';

/** A matrix as a pass sees it. */
export interface Rows {
  /** Its binding. */
  readonly name: string;
  /** Floats of a row. */
  readonly width: number;
  /** Element type of the binding. Default {@link rowType}; `vec4f` only where 4 divides width and stride. */
  readonly type?: 'f32' | 'vec4f';
  /** Floats from one row to the next. Default `width`. */
  readonly stride?: number;
  /** Fours that are asked for, beyond the row's end too, such as one for each of some lanes. Default: those of a row. */
  readonly reach?: number;
}

/** Vectors of four that hold a row. */
export function quadsOf(width: number): number {
  return Math.ceil(width / 4);
}

/** Element type in which rows are best bound: vec4f where they divide into such. */
export function rowType(width: number): 'f32' | 'vec4f' {
  return width % 4 === 0 ? 'vec4f' : 'f32';
}

export function rowBindings(names: readonly string[], width: number): Bindings {
  return Object.fromEntries(names.map(name => [name, rowType(width)]));
}

/** One element of the binding that holds some of the four floats. */
interface Part {
  readonly place: string;
  /** Whether it belongs to the row; as WGSL where that shows at run time alone. */
  readonly isInside: boolean | string;
  /** A place to read that is inside in any case. */
  readonly nearest: string;
}

/** The elements that hold the `quad`-th four floats of a row: one vector, or four words. */
function parts(rows: Rows, row: string, quad: number | string): Part[] {
  const {name, width, type = rowType(width), stride = width, reach = quadsOf(width)} = rows;
  const size = type === 'vec4f' ? 4 : 1;
  const count = width / size;
  const at = (element: string): string => `${name}[(${row}) * ${stride / size}u + ${element}]`;
  if (typeof quad === 'number') {
    return Array.from({length: 4 / size}, (_, i) => {
      const element = (4 / size) * quad + i;
      return {place: at(`${element}u`), isInside: element < count, nearest: at(`${count - 1}u`)};
    });
  }
  const isWhole = width % 4 === 0 && reach <= width / 4;
  const own = /^\w+$/.test(quad) ? quad : `(${quad})`;
  return Array.from({length: 4 / size}, (_, i) => {
    const element = size === 4 ? own : `4u * ${own} + ${i}u`;
    return {
      place: at(element),
      isInside: isWhole || `${element} < ${count}u`,
      nearest: at(`min(${element}, ${count - 1}u)`),
    };
  });
}

function load({place, isInside, nearest}: Part, zero: string): string {
  if (typeof isInside === 'string') return `select(${zero}, ${nearest}, ${isInside})`;
  return isInside ? place : zero;
}

/**
 * WGSL of a vec4f, the `quad`-th of a row, zeros beyond the row's end. `row` and `quad` are WGSL of u32; a `quad` that is a
 * number here is known when the code is made, and costs no comparison.
 */
export function load4(rows: Rows, row: string, quad: number | string): string {
  const own = parts(rows, row, quad);
  return own.length === 1
    ? load(own[0], 'vec4f()')
    : `vec4f(${own.map(part => load(part, '0.0')).join(', ')})`;
}

function store({place, isInside}: Part, value: string): string {
  if (typeof isInside === 'string') return `if (${isInside}) { ${place} = ${value}; }`;
  return isInside ? `${place} = ${value};` : '';
}

/** WGSL that stores `value`, a vec4f, as the `quad`-th of a row; what lies beyond the row's end is dropped. */
export function store4(rows: Rows, row: string, quad: number | string, value: string): string {
  const own = parts(rows, row, quad);
  const stores = own.map((part, i) => store(part, own.length === 1 ? value : `(${value})[${i}]`));
  return stores.filter(one => one !== '').join(' ');
}
