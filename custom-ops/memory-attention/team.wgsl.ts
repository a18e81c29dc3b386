// Several lanes of a subgroup share the work on a few rows: each holds its vectors of every row, multiplies them by the same
// vectors of streamed rows, and the lanes add up what they have by exchanging it. A number read from workgroup memory so
// serves several rows; one lane for one row is what remains without subgroups.

import type {GpuLimits, Pass} from '../wgsl/plan.js';
import {powerOfTwo, workgroupParameters} from '../wgsl/plan.js';
import {butterfly, maskBits} from '../wgsl/subgroups.js';
import {unroll} from './geometry.wgsl.js';

export interface Team {
  /** Lanes, a power of two. */
  readonly lanes: number;
  /** Rows that they own, a power of two, at most one for each lane. */
  readonly rows: number;
  /** Streamed rows handled in one go, at least as many as lanes share a row. */
  readonly batch: number;
}

export interface TeamNeeds {
  /** vec4f of a row. */
  readonly vectors: number;
  /** How many such rows a lane keeps for each row that it owns: factors and sums. */
  readonly kept: number;
  /** Rows that there are to own. */
  readonly rows: number;
  /** Streamed rows in one go. */
  readonly batch: number;
}

/** Registers of a thread for the rows that it keeps. */
const KEPT_FLOATS = 128;
/** Rows of a team: with more, too few threads fit a processor to hide each other's waits. */
const MOST_ROWS = 4;
/** Threads of a workgroup, at most. */
export const MOST_THREADS = 256;

/** Lanes that leave each two vectors of a row or more. */
export function lanesFor(vectors: number, {subgroup}: GpuLimits): number {
  return [8, 4].find(count => count <= subgroup && vectors >= 2 * count) ?? 1;
}

/** As many rows as the registers hold, at most MOST_ROWS. */
export function chooseTeam({vectors, kept, rows, batch}: TeamNeeds, limits: GpuLimits): Team {
  const lanes = lanesFor(vectors, limits);
  if (lanes === 1) return {lanes, rows: 1, batch};
  const floats = 4 * kept * Math.ceil(vectors / lanes);
  const most = Math.max(1, 2 ** Math.floor(Math.log2(KEPT_FLOATS / floats)));
  const owned = Math.min(MOST_ROWS, most, powerOfTwo(rows));
  return {lanes, rows: owned, batch: Math.max(batch, lanes / owned)};
}

export class TeamCode {
  /** Vectors of a row in the care of one lane. */
  readonly spans: number;
  /** Lanes that share the scores of one own row. */
  readonly sharers: number;
  /** Scores that a lane has of one batch, all of one own row. */
  readonly scores: number;

  constructor(
    readonly team: Team,
    readonly vectors: number,
  ) {
    this.spans = Math.ceil(vectors / team.lanes);
    this.sharers = team.lanes / team.rows;
    this.scores = team.batch / this.sharers;
  }

  /** What a pass says of itself. */
  get use(): Pick<Pass, 'subgroups'> {
    return this.team.lanes > 1 ? {subgroups: true} : {};
  }

  get parameters(): string {
    return this.team.lanes > 1
      ? `${workgroupParameters}, @builtin(subgroup_invocation_id) subgroupLane: u32`
      : workgroupParameters;
  }

  /** WGSL of `team`, `lane`, and the own row of the team `ownRow` whose scores this lane has, from `ownFirst` of a batch. */
  get place(): string {
    const {lanes} = this.team;
    return `
  let team = local / ${lanes}u;
  let lane = local % ${lanes}u;
  ${lanes > 1 ? `let firstLane = subgroupLane - subgroupLane % ${lanes}u;` : ''}
  let ownRow = lane / ${this.sharers}u;
  let ownFirst = (lane % ${this.sharers}u) * ${this.scores}u;`;
  }

  /** Adds a dot product. */
  static readonly addDot = `
fn addDot(sum: f32, a: vec4f, b: vec4f) -> f32 {
  return (((sum + a.x * b.x) + a.y * b.y) + a.z * b.z) + a.w * b.w;
}`;

  eachRow(line: (r: number) => string): string {
    return unroll(this.team.rows, line);
  }

  /** A line for each vector `c` that a lane holds of each row `r`. */
  eachVector(line: (r: number, c: number) => string): string {
    return this.eachRow(r => unroll(this.spans, c => line(r, c)));
  }

  /** A line for each score that a lane has. */
  eachScore(line: (i: number) => string): string {
    return unroll(this.scores, line);
  }

  /** WGSL of the number within a row of a lane's c-th vector. */
  vector(c: number): string {
    return `(lane + ${c * this.team.lanes}u)`;
  }

  /** Vectors of a row of {@link tile}, those beyond the row's end included. */
  get width(): number {
    return this.spans * this.team.lanes;
  }

  /** Declares a tile of `rows` streamed rows. */
  tile(name: string, rows: number): string {
    const {lanes, batch} = this.team;
    return `var<workgroup> ${name}: array<array<array<array<vec4f, ${lanes}>, ${this.spans}>, ${batch}>, ${rows / batch}>;`;
  }

  /** WGSL of the place in a tile of vector `part` of row `row`, names of WGSL. */
  inTile(name: string, row: string, part: string): string {
    const {lanes, batch} = this.team;
    return `${name}[${row} / ${batch}u][${row} % ${batch}u][${part} / ${lanes}u][${part} % ${lanes}u]`;
  }

  /** Declares `{name}{i}`, a lane's scores: products of own rows `own{r}_{c}` with streamed rows `at` of a tile. */
  multiply(name: string, own: string, tile: string): string {
    const {lanes, rows, batch} = this.team;
    const partial = (r: number, j: number): string => `${name}Part${r}_${j}`;
    const partials = Array.from({length: rows * batch}, (_, i) => partial(Math.floor(i / batch), i % batch));
    const {code, sums} = butterfly(partials, maskBits(lanes / 2, 1), 'lane', `${name}Sum`);
    return `
      ${partials.map(one => `var ${one} = 0.0;`).join(' ')}
      ${unroll(this.spans, c => unroll(batch, j => `{ let streamed = ${tile}[at][${j}][${c}][lane]; ${this.eachRow(r => `${partial(r, j)} = addDot(${partial(r, j)}, ${own}${r}_${c}, streamed);`)} }`))}
      ${code}
      ${sums.map((sum, i) => `var ${name}${i} = ${sum};`).join(' ')}`;
  }

  /** WGSL of `value`, a variable of the lane that has the scores of row `r` with the `j`-th of a batch. */
  from(value: string, r: number, j = 0): string {
    if (this.team.lanes === 1) return value;
    return `subgroupShuffle(${value}, firstLane + ${r * this.sharers + Math.floor(j / this.scores)}u)`;
  }

  /** Adds to own sums `own{r}_{c}` the streamed rows `at` of a tile by the lanes' scores `{name}{i}`. */
  accumulate(own: string, name: string, tile: string): string {
    return unroll(
      this.team.batch,
      j => `
      {
        ${this.eachRow(r => `let w${r} = ${this.from(`${name}${j % this.scores}`, r, j)};`)}
        ${unroll(this.spans, c => `{ let streamed = ${tile}[at][${j}][${c}][lane]; ${this.eachRow(r => `${own}${r}_${c} += w${r} * streamed;`)} }`)}
      }`,
    );
  }

  /** WGSL that runs `body` where `condition` holds for any lane of the subgroup; no lane of it is needed by another one. */
  ifAny(condition: string, body: string): string {
    if (this.team.lanes === 1) return `if (${condition}) { ${body} }`;
    // All lanes of a subgroup go the same way, which no analysis of WGSL sees.
    return `@diagnostic(off, subgroup_uniformity) if (subgroupAny(${condition})) { ${body} }`;
  }

  /** Combines a value over the lanes that share a row. */
  overSharers(name: string, combine: (a: string, b: string) => string): string {
    return maskBits(this.sharers / 2, 1)
      .map(mask => `${name} = ${combine(name, `subgroupShuffleXor(${name}, ${mask}u)`)};`)
      .join(' ');
  }
}

/**
 * Rows of a tile: a power of two, at most 16 (32 for lanes alone, which read it more often), of which `tiles` and `words` numbers a row fit
 * into a workgroup.
 */
export function tileRows(
  code: TeamCode,
  {tiles, words}: {tiles: number; words: number},
  {workgroupBytes}: GpuLimits,
): number {
  const bytes = 16 * tiles * code.width + 4 * words;
  const most = code.team.lanes > 1 ? 16 : 32;
  return Math.max(code.team.batch, Math.min(most, 2 ** Math.floor(Math.log2(workgroupBytes / bytes))));
}
