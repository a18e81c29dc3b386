// The text of every statement. Names of tables are made of whole numbers alone; everything else is bound.

import type {MemoryFormat} from '../store.js';

/**
 * How keys are searched: columns of pgvector in the store's precision, or in f32 whatever that is, since halves are slow where
 * the processor has no instructions for them; or plain arrays where the database has no such extension.
 */
export const vectorKinds = ['pgvector', 'pgvector-f32', 'arrays'] as const;
export type VectorKind = (typeof vectorKinds)[number];

/** Vectors longer than that have no index: limits of pgvector for vector and halfvec. */
const INDEXED_WIDTH = {f32: 2000, f16: 4000};

export const SCHEMA = [
  `create table if not exists bmojo_memory (
     only_row boolean primary key default true check (only_row),
     version integer not null, format text not null, vectors text not null)`,
  `create table if not exists bmojo_parts (
     part integer primary key generated always as identity,
     stream bytea not null, layer integer not null, rows bigint not null default 0,
     is_indexed boolean not null default false,
     unique (stream, layer))`,
];

/** Held while tables are made, so that two processes do not make them at once. */
export const SCHEMA_LOCK = 'select pg_advisory_xact_lock(1110265423)';

function tableOf(part: number): string {
  if (!Number.isSafeInteger(part)) throw new Error(`a part is a whole number, got ${part}`);
  return `bmojo_rows_${part}`;
}

/** Statements of a format over one part: the rows of one stream and layer, in a table of their own. */
export class Statements {
  private readonly keyColumns: readonly string[];

  constructor(
    private readonly format: MemoryFormat,
    readonly vectors: VectorKind,
  ) {
    this.keyColumns = Array.from({length: format.groups}, (_, group) => `key_${group}`);
  }

  /** Precision of keys in their columns. */
  private get precision(): MemoryFormat['precision'] {
    return this.vectors === 'pgvector' ? this.format.precision : 'f32';
  }

  /** Type of a key's column. */
  private get keyType(): string {
    if (this.vectors === 'arrays') return 'real[]';
    return `${this.precision === 'f16' ? 'halfvec' : 'vector'}(${this.format.width})`;
  }

  get mayIndex(): boolean {
    return this.vectors !== 'arrays' && this.format.width <= INDEXED_WIDTH[this.precision];
  }

  create(part: number): string[] {
    const table = tableOf(part);
    const keys = this.keyColumns.map(column => `${column} ${this.keyType} not null`);
    return [
      `create table ${table} (
         position integer primary key, innovation real not null, token integer not null,
         numbers bytea not null, ${keys.join(', ')})`,
      `create index on ${table} (innovation, position)`,
    ];
  }

  drop(part: number): string {
    return `drop table ${tableOf(part)}`;
  }

  /** $1 positions, $2 innovations, $3 tokens, $4 numbers, then the keys of each group as text; nothing where a later row is. */
  insert(part: number): string {
    const table = tableOf(part);
    const arrays = this.keyColumns.map((_, group) => `$${5 + group}::text[]`);
    const keys = this.keyColumns.map(column => `r.${column}::${this.keyType}`);
    return `insert into ${table} (position, innovation, token, numbers, ${this.keyColumns.join(', ')})
      select r.position, r.innovation, r.token, r.numbers, ${keys.join(', ')}
      from unnest($1::integer[], $2::real[], $3::integer[], $4::bytea[], ${arrays.join(', ')})
        as r (position, innovation, token, numbers, ${this.keyColumns.join(', ')})`;
  }

  last(part: number): string {
    return `select coalesce(max(position), -1) as last from ${tableOf(part)}`;
  }

  /** $1 rows that leave: the lowest innovation first, of equal ones the older. */
  evict(part: number): string {
    const table = tableOf(part);
    return `delete from ${table} where position in
      (select position from ${table} order by innovation, position limit $1::integer)`;
  }

  /**
   * $1 numbers of queries, $2 their limits, $3 rows wanted, then each group's queries as text. Exact unless `indexed`; the
   * distance is not the bare operator then, so that no index is taken for it.
   */
  search(part: number, indexed: boolean): string {
    return this.keyColumns
      .map(
        (column, group) => `select ${group} as grp, q.query, r.position, r.token, r.numbers
          from (select query, below, ${this.queryVector(indexed)} as vector
            from unnest($1::integer[], $2::integer[], $${4 + group}::text[]) as given (query, below, text) offset 0) as q
          cross join lateral (
            select position, token, numbers from ${tableOf(part)} where position < q.below
            order by ${this.order(column, indexed)} limit $3::integer) as r`,
      )
      .join(' union all ');
  }

  /** A query made of its text: behind `offset 0`, lest the text be read again for every row. */
  private queryVector(indexed: boolean): string {
    if (this.vectors === 'arrays') return 'text::real[]';
    // Queries are not rounded to halves, though keys are.
    return `text::${indexed ? this.keyType : `vector(${this.format.width})`}`;
  }

  private order(column: string, indexed: boolean): string {
    if (this.vectors === 'arrays')
      return `(select sum(a::float8 * b::float8) from unnest(${column}, q.vector) as p (a, b)) desc, position`;
    if (indexed) return `${column} <#> q.vector`;
    return `(${column}::vector(${this.format.width}) <#> q.vector) + 0, position`;
  }

  /** Indexes for the search, one for each group. */
  index(part: number): string[] {
    const operators = this.precision === 'f16' ? 'halfvec_ip_ops' : 'vector_ip_ops';
    const table = tableOf(part);
    return this.keyColumns.map(
      column =>
        `create index if not exists ${table}_${column} on ${table} using hnsw (${column} ${operators})`,
    );
  }

  /** Rows without numbers in [$1, $2). */
  rows(part: number): string {
    return `select position, innovation, token from ${tableOf(part)}
      where position >= $1::integer and position < $2::bigint order by position`;
  }

  /** Copies the rows of a part that are not at the positions $1 into another's table. */
  copyWithout(part: number, into: number): string {
    return `insert into ${tableOf(into)} select * from ${tableOf(part)}
      where not position = any ($1::integer[]) order by position`;
  }

  statistics(part: number): string {
    return `select count(*)::bigint as rows, min(position) as first, max(position) as last,
      avg(innovation::float8) as innovation from ${tableOf(part)}`;
  }

  vacuum(part: number): string {
    return `vacuum ${tableOf(part)}`;
  }

  /** A copy of rows in [$1, $2) as part number `order` of a snapshot. */
  copyToSnapshot(part: number, order: number, snapshot: string): string {
    return `insert into ${snapshot} select ${Number(order)}, position, innovation, token, numbers
      from ${tableOf(part)} where position >= $1::integer and position < $2::bigint`;
  }
}

/** The number-th snapshot of a session. */
export function snapshotTable(number: number): {name: string; create: string; read: string; drop: string} {
  const name = `pg_temp.bmojo_snapshot_${Number(number)}`;
  return {
    name,
    create: `create temporary table bmojo_snapshot_${Number(number)} (
      part integer, position integer, innovation real, token integer, numbers bytea, primary key (part, position))`,
    read: `select position, innovation, token, numbers from ${name}
      where part = $1::integer and position > $2::integer order by position limit $3::integer`,
    drop: `drop table ${name}`,
  };
}
