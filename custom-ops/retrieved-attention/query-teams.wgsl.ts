// Teams of lanes that own a query and head each: what the forward pass and the gradient of queries have in common.

import type {Bindings, Pass, PlanRequest} from '../wgsl/plan.js';
import {constants, floatLiteral, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {load4, rowBindings, store4} from '../wgsl/rows.js';
import {maskBits} from '../wgsl/subgroups.js';

const THREADS = 64;
/** Lanes of a team, at most. */
const MOST_LANES = 8;

/** WGSL of what a lane holds of rows of Dh numbers: `spans` vectors, `lanes` apart. */
export class TeamRows {
  readonly lanes: number;
  readonly spans: number;

  constructor(
    readonly width: number,
    subgroup: number,
  ) {
    const vectors = Math.ceil(width / 4);
    this.lanes = 2 ** Math.floor(Math.log2(Math.max(1, Math.min(MOST_LANES, subgroup, vectors))));
    this.spans = Math.ceil(vectors / this.lanes);
  }

  /** A line for each vector that a lane holds. */
  each(line: (c: number) => string): string {
    return Array.from({length: this.spans}, (_, c) => line(c)).join('\n');
  }

  load(name: string, row: string, c: number): string {
    return load4({name, width: this.width, reach: this.spans * this.lanes}, row, this.vector(c));
  }

  /** Of the row that a place names; zeros where it is empty, since no weight makes a NaN nothing. */
  loadNamed(name: string, c: number): string {
    return `select(vec4f(), ${this.load(name, 'keyRow', c)}, isNamed)`;
  }

  store(name: string, row: string, c: number, value: string): string {
    return store4({name, width: this.width, reach: this.spans * this.lanes}, row, this.vector(c), value);
  }

  /** WGSL that makes `name`, a number of each lane, the sum over its team. */
  sum(name: string): string {
    const masks = maskBits(this.lanes / 2, 1);
    return masks.map(mask => `${name} += subgroupShuffleXor(${name}, ${mask}u);`).join(' ');
  }

  private vector(c: number): string {
    return `(lane + ${c * this.lanes}u)`;
  }
}

export interface QueryParts {
  readonly name: string;
  /** Bindings of rows of Dh numbers beside q, k and v. */
  readonly readRows?: readonly string[];
  readonly writeRows: readonly string[];
  readonly read?: Bindings;
  readonly write: Bindings;
  /**
   * WGSL before the places, for place `r`, whose row of k and v is `keyRow` if `isNamed`, and at the end, where `isOwn` says
   * whether results of `queryRow` are this team's to write.
   */
  code(team: TeamRows): {begin: string; place: string; end: string};
}

export function queryPass({dims, limits}: PlanRequest, parts: QueryParts): Pass {
  const {B, L, M, H, G, Dh, R} = dims;
  const team = new TeamRows(Dh, limits.subgroup);
  const {begin, place, end} = parts.code(team);
  const teams = THREADS / team.lanes;
  const queries = B * L * H;
  return {
    name: parts.name,
    read: {...rowBindings(['q', 'k', 'v', ...(parts.readRows ?? [])], Dh), rows: 'i32', ...parts.read},
    write: {...rowBindings(parts.writeRows, Dh), ...parts.write},
    ...(team.lanes > 1 ? {subgroups: true} : {}),
    workgroups: spread(Math.ceil(queries / teams), limits),
    code: `
${constants({QUERIES: L, ROWS: M, HEADS: H, GROUPS: G, PLACES: R})}
const SCALE: f32 = ${floatLiteral(Dh ** -0.5)};
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let lane = local % ${team.lanes}u;
  let asked = workgroup * ${teams}u + local / ${team.lanes}u;
  let isOwn = asked < ${queries}u;
  let queryRow = min(asked, ${queries - 1}u);
  let group = queryRow % HEADS / ${H / G}u;
  let queryOf = queryRow / HEADS;
  let firstPlace = (queryOf * GROUPS + group) * PLACES;
  let firstKey = queryOf / QUERIES * ROWS;
  ${begin}
  for (var r = 0u; r < PLACES; r++) {
    let named = rows[firstPlace + r];
    let isNamed = named >= 0;
    let keyRow = (firstKey + u32(max(named, 0))) * GROUPS + group;
    ${place}
  }
  ${end}
}`,
  };
}
