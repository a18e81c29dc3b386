// Products of blocks of 64 by 64 within a workgroup, whoever computes them: which numbers of a block are a thread's, and sums
// over rows and columns of a block. Factors come from functions, so that decays and masks are made on the way.

/** Rows and columns of a block. */
export const BLOCK = 64;
/** Threads that share a row of a block, each with two vectors of four columns of it. */
export const COLUMN_THREADS = 8;

export interface Factor {
  /**
   * WGSL function (line, quad) -> vec4f: four numbers of a line as they lie in memory, finite or not beyond the last line. Apart
   * from {@link made}, so that many such loads are on their way before the first is waited for.
   */
  readonly fetched: string;
  /** WGSL function (line, quad, fetched) -> vec4f: what is multiplied, zeros beyond the end of a line or the last one. */
  readonly made: string;
  /** Lines are rows (columns) of the product and run along the inner dimension; otherwise they lie across it. */
  readonly alongInner: boolean;
  /** WGSL of the first row (column) of the block, a multiple of {@link BLOCK}. */
  readonly first: string;
}

/** A thread's part of a block, rows of 2 vectors, as names of variables. */
export class Sums {
  readonly names: readonly (readonly string[])[];

  constructor(
    readonly name: string,
    rows: number,
  ) {
    this.names = count(rows, i => [0, 1].map(c => `${name}${i}_${c}`));
  }

  get declare(): string {
    return this.names.map(line => line.map(name => `var ${name} = vec4f();`).join(' ')).join('\n  ');
  }

  /** WGSL for each of the vectors: its name, the thread's row and four of columns. */
  each(body: (name: string, i: number, c: number) => string): string {
    return this.names.map((line, i) => line.map((name, c) => body(name, i, c)).join('\n')).join('\n');
  }
}

/** How the threads of a workgroup multiply blocks. */
export abstract class Blocks {
  /** What passes that multiply so add to their name. */
  abstract readonly suffix: string;
  /** Whether they multiply on matrix units. */
  abstract readonly matrices?: true;
  /** Rows of a block of which a thread has two vectors. */
  readonly ownRows: number;

  constructor(readonly threads: number) {
    this.ownRows = (BLOCK * COLUMN_THREADS) / threads;
  }

  /** WGSL of workgroup memory, among it the array `passing` of at least 8 floats for each thread. */
  abstract readonly declarations: string;
  /** WGSL that makes products begin at zero, to which {@link multiply} adds and which {@link settle} adds to `sums`. */
  abstract open(sums: Sums): string;
  /**
   * WGSL of a b, over [from, stop) of the inner dimension, WGSL of u32 that is uniform in the workgroup, `from` a multiple of
   * {@link BLOCK}. All threads must reach it, as they must {@link settle}.
   */
  abstract multiply(a: Factor, b: Factor, sums: Sums, from: string, stop: string): string;
  abstract settle(sums: Sums): string;

  sums(name: string): Sums {
    return new Sums(name, this.ownRows);
  }

  /** Something for each row of a thread. */
  rows<T>(item: (i: number) => T): T[] {
    return count(this.ownRows, item);
  }

  /** WGSL of a thread's place: 32 neighbours own 4 by 8 parts, so that what they read of a tile at once lies together. */
  readonly placeOfThread = `
  let threadRow = (local / 32u) * 4u + (local & 1u) + 2u * ((local % 32u) >> 4u);
  let threadColumn = (local >> 1u) & 7u;`;

  /** WGSL of the block's row that is the thread's `i`-th. */
  rowOf(i: number): string {
    return `(4u * (threadRow + ${this.rowThreads * Math.floor(i / 4)}u) + ${i % 4}u)`;
  }

  /** WGSL of the block's four columns that are the thread's `c`-th. */
  quadOf(c: number): string {
    return `(threadColumn + ${COLUMN_THREADS * c}u)`;
  }

  /** WGSL after which thread t < 64 knows `name`, the sum of the block's row t over the threads' `values`, one for each row. */
  sumRows(name: string, values: readonly string[]): string {
    const writes = values.map(
      (value, i) => `passing[${this.rowOf(i)} * ${COLUMN_THREADS}u + threadColumn] = ${value};`,
    );
    return this.sumUp(name, writes, COLUMN_THREADS);
  }

  /** The same of the block's column t, from vectors of four columns. */
  sumColumns(name: string, values: readonly string[]): string {
    const writes = values.flatMap((value, c) =>
      [0, 1, 2, 3].map(
        i => `passing[(4u * ${this.quadOf(c)} + ${i}u) * ${this.rowThreads}u + threadRow] = ${value}[${i}];`,
      ),
    );
    return this.sumUp(name, writes, this.rowThreads);
  }

  protected get rowThreads(): number {
    return this.threads / COLUMN_THREADS;
  }

  private sumUp(name: string, writes: readonly string[], parts: number): string {
    return `
  ${writes.join(' ')}
  workgroupBarrier();
  var ${name} = 0.0;
  if (local < ${BLOCK}u) {
    for (var part = 0u; part < ${parts}u; part++) { ${name} += passing[local * ${parts}u + part]; }
  }
  workgroupBarrier();`;
  }
}

export function count<T>(length: number, item: (i: number) => T): T[] {
  return Array.from({length}, (_, i) => item(i));
}
