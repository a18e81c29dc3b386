// A sorted list of the best rows in workgroup memory, to which each thread of a workgroup offers several new ones at once.
// Only scores that reach the list take part; each one's place is the number of those before it, so that ties are exact and
// no order of threads shows.

import type {Pass} from '../wgsl/plan.js';
import {unroll} from './limits.wgsl.js';

/** Threads of a workgroup that keeps a list. */
export const THREADS = 256;

/** Bindings that a list is written to. */
export interface Written {
  readonly rows: string;
  readonly scores: string;
}

export interface BestRows {
  /** Length of the list. */
  readonly count: number;
  /** Rows that a thread offers at once. */
  readonly offers: number;
  /** Threads whose scores may be shuffled: lanes that every subgroup has at least. */
  readonly subgroup: number;
}

/** Neighbours that make a team: there are to be some times as many teams as places. */
const MOST_LANES = 8;
const TEAMS_OF_PLACE = 4;

function lanesOf({count, subgroup}: BestRows): number {
  const most = Math.min(MOST_LANES, subgroup, THREADS / (TEAMS_OF_PLACE * count));
  return 2 ** Math.floor(Math.log2(Math.max(1, most)));
}

/** What a pass with {@link bestRows} says of itself. */
export function listUse(list: BestRows): Pick<Pass, 'subgroups'> {
  return lanesOf(list) > 1 ? {subgroups: true} : {};
}

/**
 * WGSL of the list: `clearList(local)`, `keep(isFirst, local)`, which takes what a thread has put into `ownScores` and
 * `ownRows`, rows that are newer than those kept, NO_SCORE where there is none, and `writeList(list, local)`. All threads must
 * call them.
 */
export function bestRows(list: BestRows, {rows, scores}: Written): string {
  const {count, offers} = list;
  const lanes = lanesOf(list);
  const entries = Math.ceil(count / THREADS);
  const teams = THREADS / lanes;
  const forEntries = (line: (n: number) => string): string =>
    unroll(entries, n => `{ let i = local + ${n * THREADS}u; if (i < COUNT) { ${line(n)} } }`);
  const shuffles: string[] = [];
  for (let mask = 1; mask < lanes; mask *= 2)
    shuffles.push(`best = max(best, subgroupShuffleXor(best, ${mask}u));`);
  // At the first rows the list's last score keeps nothing out: as many teams as it has places have a row each that is no
  // worse than the last of their best ones.
  const findFloor = `
  if (isFirst) {
    var best = NO_SCORE;
    for (var n = 0u; n < OFFERS; n++) { best = max(best, ownScores[n]); }
    ${shuffles.join(' ')}
    if (local % ${lanes}u == 0u) { teamScores[local / ${lanes}u] = best; }
    workgroupBarrier();
    if (local < ${teams}u) {
      let own = teamScores[local];
      var before = 0u;
      for (var j = 0u; j < ${teams}u; j++) {
        before += select(0u, 1u, teamScores[j] > own || (teamScores[j] == own && j < local));
      }
      if (before == COUNT - 1u) { leastScore = own; }
    }
  } else if (local == 0u) { leastScore = keptScores[COUNT - 1u]; }`;
  const takeLast = 'if (local == 0u) { leastScore = keptScores[COUNT - 1u]; }';
  const hasFloor = count <= teams;
  return `
const OFFERS: u32 = ${offers}u;
var<private> ownScores: array<f32, ${offers}>;
var<private> ownRows: array<i32, ${offers}>;
var<workgroup> keptScores: array<f32, ${count}>;
var<workgroup> keptRows: array<i32, ${count}>;
var<workgroup> newScores: array<f32, ${THREADS}>;
var<workgroup> newRows: array<i32, ${THREADS}>;
var<workgroup> newCount: atomic<u32>;
var<workgroup> leastScore: f32;
${hasFloor ? `var<workgroup> teamScores: array<f32, ${teams}>;` : ''}
var<workgroup> candidates: atomic<u32>;
var<workgroup> isSparse: u32;
fn clearList(local: u32) {
  ${forEntries(() => 'keptScores[i] = NO_SCORE; keptRows[i] = -1;')}
  if (local == 0u) { atomicStore(&newCount, 0u); atomicStore(&candidates, 0u); }
  workgroupBarrier();
}
fn add(score: f32, row: i32) {
  let at = atomicAdd(&newCount, 1u);
  newScores[at] = score;
  newRows[at] = row;
}
fn merge(local: u32) {
  workgroupBarrier();
  let added = atomicLoad(&newCount);
  ${unroll(entries, n => `var score${n} = 0.0; var row${n} = -1; var place${n} = COUNT;`)}
  if (added > 0u) {
    ${forEntries(
      n => `
    score${n} = keptScores[i];
    row${n} = keptRows[i];
    place${n} = i;
    for (var j = 0u; j < added; j++) { place${n} += select(0u, 1u, newScores[j] > score${n}); }`,
    )}
  }
  var newPlace = COUNT;
  var ownScore = 0.0;
  var ownRow = -1;
  if (local < added) {
    ownScore = newScores[local];
    ownRow = newRows[local];
    newPlace = 0u;
    for (var j = 0u; j < added; j++) {
      newPlace += select(0u, 1u, newScores[j] > ownScore || (newScores[j] == ownScore && newRows[j] < ownRow));
    }
    for (var i = 0u; i < COUNT; i++) { newPlace += select(0u, 1u, keptScores[i] >= ownScore); }
  }
  workgroupBarrier();
  ${unroll(entries, n => `if (place${n} < COUNT) { keptScores[place${n}] = score${n}; keptRows[place${n}] = row${n}; }`)}
  if (newPlace < COUNT) { keptScores[newPlace] = ownScore; keptRows[newPlace] = ownRow; }
  if (local == 0u) { atomicStore(&newCount, 0u); }
  workgroupBarrier();
}
fn reaches(score: f32, least: f32) -> bool { return score > NO_SCORE && score >= least; }
fn keep(isFirst: bool, local: u32) {
  ${hasFloor ? findFloor : takeLast}
  let least = workgroupUniformLoad(&leastScore);
  var own = 0u;
  for (var n = 0u; n < OFFERS; n++) { own += select(0u, 1u, reaches(ownScores[n], least)); }
  if (own > 0u) { atomicAdd(&candidates, own); }
  workgroupBarrier();
  // Those that there is room for are merged at once; of more, such as many that are alike, one of each thread at a time.
  if (local == 0u) {
    isSparse = select(0u, 1u, atomicLoad(&candidates) <= ${THREADS}u);
    atomicStore(&candidates, 0u);
  }
  let sparse = workgroupUniformLoad(&isSparse) == 1u;
  for (var round = 0u; round < select(OFFERS, 1u, sparse); round++) {
    if (own > 0u) {
      for (var n = 0u; n < OFFERS; n++) {
        if ((sparse || n == round) && reaches(ownScores[n], least)) { add(ownScores[n], ownRows[n]); }
      }
    }
    merge(local);
  }
}
fn writeList(list: u32, local: u32) {
  ${forEntries(() => `${rows}[list * COUNT + i] = keptRows[i]; ${scores}[list * COUNT + i] = keptScores[i];`)}
}`;
}
