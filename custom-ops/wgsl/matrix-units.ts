// Matrix units: products of small matrices that a subgroup holds together (WGSL's subgroup matrices, which are still an
// extension: older browsers say the layout of a matrix in memory by a flag, newer ones by a template argument).

import type {Precision} from '../precision.js';

/** Sizes and types of one kind of product of a device: [rows, inner] by [inner, columns]. */
export interface MatrixUnit {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
  readonly factor: 'f16' | 'f32';
  readonly sum: 'f16' | 'f32';
}

/** How a device's WGSL names the layout of a matrix in memory. */
export type MatrixSyntax = 'layout' | 'flag';

export interface MatrixUnits {
  readonly kinds: readonly MatrixUnit[];
  readonly syntax: MatrixSyntax;
  /** Lanes of every subgroup. */
  readonly lanes: number;
}

/** What a pass that uses them has to enable. */
export const matrixDirectives = [
  'enable f16;',
  'enable subgroups;',
  'enable chromium_experimental_subgroup_matrix;',
  // What decides is the number of the subgroup, which no analysis of WGSL takes for uniform.
  'diagnostic(off, chromium.subgroup_matrix_uniformity);',
].join('\n');

/**
 * The kind in which products of a precision are computed: factors of float16 if it has such that add up in float32, else
 * float32 throughout, as on Apple's GPUs, whose float16 sums would lose what is added to them. The largest comes first: it
 * reads its factors the fewest times.
 */
export function unitFor(precision: Precision, units: MatrixUnits | undefined): MatrixUnit | undefined {
  if (precision !== 'float16' || units === undefined) return undefined;
  const size = ({rows, columns, inner}: MatrixUnit): number => rows * columns * inner;
  const largest = (factor: MatrixUnit['factor']): MatrixUnit | undefined =>
    units.kinds
      .filter(kind => kind.factor === factor && kind.sum === 'f32')
      .sort((a, b) => size(b) - size(a))
      .at(0);
  return largest('f16') ?? largest('f32');
}

/**
 * Bytes that divide every address and stride from which a matrix is read or to which it is written, as Vulkan asks of
 * cooperative matrices. Drivers lay variables of workgroup memory one after the other: each has to be a multiple of it long.
 */
export const MATRIX_ALIGNMENT = 16;

type Part = 'left' | 'right' | 'result';
/** Whether rows or columns of a matrix lie together in memory. */
export type MatrixLayout = 'rows' | 'columns';

/** WGSL of products in one kind of matrix. */
export class MatrixCode {
  constructor(
    readonly unit: MatrixUnit,
    private readonly syntax: MatrixSyntax,
  ) {}

  /** Element type of workgroup memory that holds factors, and how many numbers are in one: older WGSL takes scalars alone. */
  get element(): {type: string; size: 1 | 4} {
    const {factor} = this.unit;
    return this.syntax === 'layout' ? {type: `vec4<${factor}>`, size: 4} : {type: factor, size: 1};
  }

  /** WGSL of four numbers, as vector of the type of factors: rounded to float16, whichever type that is. */
  narrowed(value: string): string {
    return this.unit.factor === 'f16' ? `vec4<f16>(${value})` : `vec4f(vec4<f16>(${value}))`;
  }

  type(part: Part): string {
    const {rows, columns, inner, factor, sum} = this.unit;
    if (part === 'result') return `subgroup_matrix_result<${sum}, ${columns}, ${rows}>`;
    return part === 'left'
      ? `subgroup_matrix_left<${factor}, ${inner}, ${rows}>`
      : `subgroup_matrix_right<${factor}, ${columns}, ${inner}>`;
  }

  /** A sum that begins at zero: where a loop declares one without a value, devices zero it before the first turn alone. */
  sum(name: string): string {
    return `var ${name} = ${this.type('result')}();`;
  }

  /** Of memory named `from`, beginning at element `at`, WGSL, `stride` elements from line to line. */
  load(part: Part, from: string, at: string, stride: number, layout: MatrixLayout): string {
    const type = this.type(part);
    return this.syntax === 'layout'
      ? `subgroupMatrixLoad<${type}, ${layout === 'rows' ? 'row_major' : 'col_major'}>(&${from}, ${at}, ${stride}u)`
      : `subgroupMatrixLoad<${type}>(&${from}, ${at}, ${layout === 'columns'}, ${stride}u)`;
  }

  /** Adds the product of two factors to a sum, all WGSL names. */
  multiply(left: string, right: string, sum: string): string {
    return `${sum} = subgroupMatrixMultiplyAccumulate(${left}, ${right}, ${sum});`;
  }

  /** Writes a result's rows to memory of its numbers. */
  store(to: string, at: string, value: string, stride: number): string {
    return this.syntax === 'layout'
      ? `subgroupMatrixStore<row_major>(&${to}, ${at}, ${value}, ${stride}u);`
      : `subgroupMatrixStore(&${to}, ${at}, ${value}, false, ${stride}u);`;
  }
}
