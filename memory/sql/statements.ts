// The text of every statement. Names of tables are made of whole numbers alone; everything else is bound.

import type {MemoryFormat} from '../store.js';
import type {RowIndex} from './row-index.js';
import {INDEXED_WIDTH, indexBytes, indexedKey, LISTS} from './row-index.js';

/**
 * How keys are searched: columns of pgvector in the store's precision, or in f32 whatever that is, since halves are slow where
 * the processor has no instructions for them; or plain arrays where the database has no such extension.
 */
export const vectorKinds = ['pgvector', 'pgvector-f32', 'arrays'] as const;
export type VectorKind = (typeof vectorKinds)[number];

export const SCHEMA = [
  `create table if not exists bmojo_memory (
     only_row boolean primary key default true check (only_row),
     version integer not null, format text not null, vectors text not null)`,
  `create table if not exists bmojo_parts (
     part integer primary key generated always as identity,
     stream bytea not null, layer integer not null, rows bigint not null default 0,
     has_left boolean not null default true, index text,
     unique (stream, layer))`,
  // What the planner keeps of columns stays where nobody forgets it.
  'alter table bmojo_parts alter column stream set statistics 0',
];

/**
 * Writes the table of parts anew, so that its file holds no name of what was deleted. By a change of a column, since that leaves
 * out what is deleted whoever might still see it; not for longer than moments behind others, who would wait behind it.
 */
export const REWRITE_PARTS = [
  "select set_config('lock_timeout', '100ms', true)",
  "alter table bmojo_parts alter column stream type bytea using stream || ''::bytea",
];

/** By version, what brings its tables up to the next one. */
export const UPGRADES: Readonly<Record<number, readonly string[]>> = {
  // Its indexes were graphs of keys as they are: they are made anew behind the next update.
  1: ['alter table bmojo_parts drop column is_indexed', 'alter table bmojo_parts add column index text'],
  // It does not note whether rows have left: nor does a process of it, of parts that it makes while it still has the
  // memory open.
  2: ['alter table bmojo_parts add column has_left boolean not null default true'],
};

/**
 * Held while tables are made where there were none, so that two processes do not make them at once; by whoever takes it, before
 * any row is, and never while waiting for one.
 */
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
    return this.vectors !== 'arrays' && this.format.width <= INDEXED_WIDTH;
  }

  create(part: number): string[] {
    const table = tableOf(part);
    const keys = this.keyColumns.map(column => `${column} ${this.keyType} not null`);
    return [
      `create table ${table} (
         position integer primary key, innovation real not null, token integer not null,
         numbers bytea not null, ${keys.join(', ')})`,
      `create index on ${table} (innovation, position)`,
      `alter table ${table} ${['token', 'numbers', ...this.keyColumns]
        .map(column => `alter column ${column} set statistics 0`)
        .join(', ')}`,
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
   * $1 numbers of queries, $2 their limits, $3 rows wanted, $4 the index as it is known, then each group's queries as text;
   * nothing where there is another index by now. Exact without one; the distance is not the bare operator then, so that no index
   * is taken for it.
   */
  search(part: number, index: RowIndex | undefined): string {
    // A query is made of its text behind `offset 0`, lest the text be read again for every row.
    const vector = this.vectors === 'arrays' ? 'text::real[]' : 'text::vector';
    return this.keyColumns
      .map(
        (_, group) => `select ${group} as grp, q.query, r.position, r.token, r.numbers
          from (select query, below, ${vector} as vector
            from unnest($1::integer[], $2::integer[], $${5 + group}::text[]) as given (query, below, text),
              bmojo_parts as p where p.part = ${Number(part)} and p.index is not distinct from $4::text offset 0) as q
          cross join lateral (
            select position, token, numbers from ${tableOf(part)} where position < q.below
            order by ${this.order(group, index)} limit $3::integer) as r`,
      )
      .join(' union all ');
  }

  private order(group: number, index: RowIndex | undefined): string {
    const column = this.keyColumns[group];
    const {width} = this.format;
    if (this.vectors === 'arrays')
      return `(select sum(a::float8 * b::float8) from unnest(${column}, q.vector) as p (a, b)) desc, position`;
    if (index !== undefined) return `${indexedKey(column, width, index.squares[group])} <-> q.vector`;
    return `(${column}::vector(${width}) <#> q.vector) + 0, position`;
  }

  /** The largest square of the length of each group's keys, 1 where all are 0; and the last position. */
  lengths(part: number): string {
    const {width} = this.format;
    const largest = this.keyColumns.map(
      column =>
        `coalesce(nullif(max(inner_product(${column}::vector(${width}), ${column}::vector(${width}))), 0), 1)`,
    );
    return `select array[${largest.join(', ')}]::float8[] as squares, max(position) as last from ${tableOf(part)}`;
  }

  /** Statements that drop the indexes of keys that are there. */
  dropIndexes(part: number): string {
    return `select format('drop index %s', i.indexrelid::regclass) as text
      from pg_index as i join pg_class as c on c.oid = i.indexrelid join pg_am as a on a.oid = c.relam
      where i.indrelid = '${tableOf(part)}'::regclass and a.amname in ('hnsw', 'ivfflat')`;
  }

  /** Makes an index of each group's keys, with the last position in its name. */
  makeIndex(part: number, index: RowIndex, last: number): string[] {
    const table = tableOf(part);
    const {width} = this.format;
    const memory = `select set_config('maintenance_work_mem', greatest(pg_size_bytes(current_setting('maintenance_work_mem')),
      ${indexBytes(width)}) / 1024 || 'kB', true)`;
    return [
      memory,
      ...this.keyColumns.map(
        (column, group) => `create index ${table}_${column}_${Number(last)} on ${table}
          using ivfflat ((${indexedKey(column, width, index.squares[group])}) vector_l2_ops) with (lists = ${LISTS})`,
      ),
    ];
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
