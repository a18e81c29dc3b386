// The hits of a search from the rows that the database chose: scored again from the numbers as they are stored, so that every
// store gives the same scores and the same order.

import {emptyHits, innerProduct} from '../exact-search.js';
import type {MemoryFormat, MemoryHits, MemoryQuery} from '../store.js';
import {MemoryStoreError} from '../store-error.js';
import type {SqlDatabase, SqlRow} from './database.js';
import {unpackRow, vectorText} from './numbers.js';
import type {Part} from './parts.js';
import {indexQuery} from './row-index.js';
import type {Statements} from './statements.js';

/** Rows that pgvector is asked for beyond those wanted: its float32 numbers may put neighbours in another order. */
const SPARE = 8;

interface Candidate {
  readonly position: number;
  readonly token: number;
  readonly score: number;
  /** The row's keys, then its values. */
  readonly numbers: Float32Array;
}

export async function searchPart(
  database: SqlDatabase,
  statements: Statements,
  format: MemoryFormat,
  part: Part | undefined,
  query: MemoryQuery,
): Promise<MemoryHits> {
  const {queries, count, before} = query;
  const hits = emptyHits(format, before.length, count);
  if (part === undefined || before.length === 0) return hits;
  const {groups, width} = format;
  const open = statements.vectors === 'arrays' ? '{' : '[';
  const numbers = [...before.keys()];
  const {index} = part;
  const textOf = (t: number, group: number): string => {
    const from = (t * groups + group) * width;
    return index === undefined
      ? vectorText(queries, from, width, open)
      : vectorText(indexQuery(queries, from, width, index.squares[group]), 0, width + 1, open);
  };
  const {rows} = await database.query(statements.search(part.part, index), [
    numbers,
    [...before],
    statements.vectors === 'arrays' ? count : count + SPARE,
    index?.text ?? null,
    ...Array.from({length: groups}, (_, group) => numbers.map(t => textOf(t, group))),
  ]);
  const lists = Array.from({length: before.length * groups}, (): Candidate[] => []);
  for (const row of rows) {
    const list = Number(row.query) * groups + Number(row.grp);
    lists[list].push(candidateOf(row, list, queries, format));
  }
  for (const [list, candidates] of lists.entries()) {
    candidates.sort((a, b) => b.score - a.score || a.position - b.position);
    for (const [i, {position, token, score, numbers: row}] of candidates.slice(0, count).entries()) {
      const place = list * count + i;
      const key = (list % groups) * width;
      const value = key + groups * width;
      hits.positions[place] = position;
      hits.tokens[place] = token;
      hits.scores[place] = score;
      hits.keys.set(row.subarray(key, key + width), place * width);
      hits.values.set(row.subarray(value, value + width), place * width);
    }
  }
  return hits;
}

function candidateOf(row: SqlRow, list: number, queries: Float32Array, format: MemoryFormat): Candidate {
  const {groups, width} = format;
  const numbers = unpackRow(row.numbers, format);
  if (numbers === undefined)
    throw new MemoryStoreError(
      'damaged',
      `memory: the row at position ${row.position} has numbers of another length`,
    );
  const score = innerProduct(queries, list * width, numbers, (list % groups) * width, width);
  return {position: Number(row.position), token: Number(row.token), score, numbers};
}
