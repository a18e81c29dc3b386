// Lines of numbers in workgroup memory that both matrices and lanes read and write, four numbers at a time.

import type {MatrixCode, MatrixLayout} from '../wgsl/matrix-units.js';
import {PADDING} from './matrix-team.js';

const four = [0, 1, 2, 3];

export class MatrixLines {
  private readonly type: string;
  /** Numbers of an element of the memory, as matrices take it. */
  private readonly size: 1 | 4;

  constructor(
    readonly name: string,
    private readonly lines: number,
    private readonly width: number,
    /** Factors of products, or their sums. */
    private readonly hold: 'factors' | 'sums',
    private readonly code: MatrixCode,
  ) {
    const {type, size} = code.element;
    this.size = size;
    this.type = hold === 'factors' ? type : size === 4 ? 'vec4f' : 'f32';
  }

  get declaration(): string {
    return `var<workgroup> ${this.name}: array<${this.type}, ${this.lines * this.stride}>;`;
  }

  /** Elements from line to line. */
  private get stride(): number {
    return (this.width + PADDING) / this.size;
  }

  /** WGSL of the matrix whose first number is number `column` of `line`, WGSL. */
  load(part: 'left' | 'right' | 'result', line: string, column: number, layout: MatrixLayout): string {
    return this.code.load(part, this.name, this.at(line, column), this.stride, layout);
  }

  store(line: string, column: number, value: string): string {
    return this.code.store(this.name, this.at(line, column), value, this.stride);
  }

  /** WGSL of the `quad`-th four numbers of a line of sums. */
  read(line: string, quad: string): string {
    if (this.size === 4) return `${this.name}[(${line}) * ${this.stride}u + ${quad}]`;
    return `vec4f(${four.map(i => `${this.name}[(${line}) * ${this.stride}u + 4u * (${quad}) + ${i}u]`).join(', ')})`;
  }

  /** WGSL that writes four numbers, `value` the name of a vec4f. */
  write(line: string, quad: string, value: string): string {
    const isHalf = this.hold === 'factors' && this.code.unit.factor === 'f16';
    if (this.size === 4)
      return `${this.name}[(${line}) * ${this.stride}u + ${quad}] = ${isHalf ? `vec4<f16>(${value})` : value};`;
    return four
      .map(i => {
        const number = `${value}[${i}]`;
        return `${this.name}[(${line}) * ${this.stride}u + 4u * (${quad}) + ${i}u] = ${isHalf ? `f16(${number})` : number};`;
      })
      .join(' ');
  }

  /** WGSL that writes the `element`-th 16 bytes of a line of factors, `value` the name of one element of their rows. */
  copy(line: string, element: string, value: string): string {
    if (this.code.unit.factor === 'f32') return this.write(line, element, value);
    const halves = [`bitcast<vec4<f16>>(${value}.xy)`, `bitcast<vec4<f16>>(${value}.zw)`];
    return halves
      .map((half, i) => {
        const quad = `2u * (${element}) + ${i}u`;
        return this.size === 4
          ? `${this.name}[(${line}) * ${this.stride}u + ${quad}] = ${half};`
          : `{ let half = ${half}; ${four.map(c => `${this.name}[(${line}) * ${this.stride}u + 4u * (${quad}) + ${c}u] = half[${c}];`).join(' ')} }`;
      })
      .join(' ');
  }

  private at(line: string, column: number): string {
    return `(${line}) * ${this.stride}u + ${column / this.size}u`;
  }
}
