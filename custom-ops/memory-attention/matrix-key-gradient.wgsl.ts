// Gradients of memoryAttention's keys and values on matrix units: a workgroup owns rows of keys (or stored slots) and walks
// over the queries that can see them, a contiguous range for each head that shares the keys.

import type {Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {AttentionRequest, Geometry} from './geometry.wgsl.js';
import {loadRow, rowBindings, storeRow} from './geometry.wgsl.js';
import type {KeySource} from './key-blocks.wgsl.js';
import {names, ownerRange, ownerRow, seenRange, wholeRange} from './key-blocks.wgsl.js';
import {LIFT, lowered} from './matrix-query-gradient.wgsl.js';
import {factorType} from './matrix-rows.wgsl.js';
import type {MatrixBlock} from './matrix-team.js';
import {matrixTeam, ownRows} from './matrix-team.js';
import type {WalkParts} from './matrix-walk.wgsl.js';
import {MatrixWalk} from './matrix-walk.wgsl.js';

const blocks: readonly MatrixBlock[] = [
  {subgroups: 8, matrices: 1, tile: 16},
  {subgroups: 4, matrices: 1, tile: 16},
  {subgroups: 2, matrices: 1, tile: 16},
];

/** WGSL of the head `h` of tile `t`, WGSL, and its first query `begin`. */
function tileOfHead({repeats}: Geometry, t: string, tile: number): string {
  if (repeats === 1) return `let h = group; let begin = first + ${t} * ${tile};`;
  return `let h = group * REPEATS + u32(${t} / max(1, tilesOfHead)); let begin = first + (${t} % max(1, tilesOfHead)) * ${tile};`;
}

function lanes(g: Geometry, walk: MatrixWalk): string {
  const {tile} = walk.team;
  const numbers = (name: string, quad: string): string =>
    `vec4f(${[0, 1, 2, 3].map(c => `${name}[buffer * ${tile}u + 4u * ${quad} + ${c}u]`).join(', ')})`;
  return `
    ${tileOfHead(g, 't', tile)}
    let isWhole = begin >= wholeFirst && begin + ${tile - 1} <= wholeLast;
    ${walk.eachMatrix(
      i => `{
      ${walk.eachQuad(
        (n, quad) => `
      var weight${n} = exp2(min(${walk.lines('scores').read(`line${i}`, quad)} - ${numbers('levels', quad)}, vec4f(${LIFT}.0)));
      var slope${n} = weight${n} * (${walk.lines('gains').read(`line${i}`, quad)} - ${numbers('dots', quad)});`,
      )}
      if (!isWhole) {
        let lowest = firstQuery${i} - begin;
        let highest = lastQuery${i} - begin;
        ${walk.eachQuad(
          (n, quad) => `{
          let queries = 4 * i32(${quad}) + vec4i(0, 1, 2, 3);
          let isSeen = (queries >= vec4i(lowest)) & (queries <= vec4i(highest));
          weight${n} = select(vec4f(), weight${n}, isSeen);
          slope${n} = select(vec4f(), slope${n}, isSeen);
        }`,
        )}
      }
      ${walk.eachQuad((n, quad) => `${walk.lines('weights').write(`line${i}`, quad, `weight${n}`)} ${walk.lines('slopes').write(`line${i}`, quad, `slope${n}`)}`)}
    }`,
    )}`;
}

function walkParts(g: Geometry, source: KeySource, tile: number): WalkParts {
  const {Dh} = g;
  const {k, v} = names[source];
  return {
    Dh,
    tiles: [
      {name: 'tileQ', use: 'both', from: 'queryRows'},
      {name: 'tileG', use: 'both', from: 'cotangentRows'},
    ],
    owners: {
      ownK: (i, quad) => `${Math.LOG2E}f * SCALE * ${loadRow(k, `keyRow${i}`, quad, Dh)}`,
      ownV: (i, quad) => loadRow(v, `keyRow${i}`, quad, Dh),
    },
    products: {scores: ['ownK', 'tileQ'], gains: ['ownV', 'tileG']},
    sums: {gradientV: ['weights', 'tileG'], gradientK: ['slopes', 'tileQ']},
    begin: tileOfHead(g, 'n', tile),
    locate: line => `(batch * QUERIES + u32(max(0, min(begin + ${line}, last)))) * HEADS + h`,
    numbers: {
      declare: 'var levelHeld = 0.0; var dotHeld = 0.0;',
      read: `
      let numbersRow = (batch * QUERIES + u32(max(0, min(begin + i32(local % ${tile}u), last)))) * HEADS + h;
      levelHeld = logSumExp[numbersRow];
      dotHeld = outDots[numbersRow];`,
      store: buffer =>
        `if (local < ${tile}u) { levels[${buffer} * ${tile}u + local] = ${Math.LOG2E}f * levelHeld - ${LIFT}.0; dots[${buffer} * ${tile}u + local] = dotHeld; }`,
    },
    lanes: walk => lanes(g, walk),
  };
}

/** Undefined where the request is better off without, or the device has no units for it. */
export function matrixKeyGradientPass(
  request: AttentionRequest,
  g: Geometry,
  source: KeySource,
): Pass | undefined {
  const {attrs, limits} = request;
  const {Dh} = g;
  const own = names[source];
  const isStored = source === 'stored';
  const rows = isStored ? g.me : g.M;
  const outer = isStored ? g.B * g.C : g.B;
  const needs = {precision: attrs.precision, Dh, rows: Math.min(rows, g.w, g.L)};
  const team = matrixTeam(blocks, {owners: 2, tiles: 4, products: 2, weights: 2}, needs, limits);
  if (team === undefined) return undefined;
  const {tile, unit} = team;
  const keys = ownRows(team, unit);
  const keyBlocks = Math.ceil(rows / keys);
  const walk = new MatrixWalk(team, walkParts(g, source, tile));
  const store = (sum: string, to: string, scale: string): string =>
    walk.deliver(
      sum,
      i => `if (isRow${i}) { ${storeRow(to, `gradRow${i}`, 'quad', `(${scale} * value)`, Dh)} }`,
    );
  const {type} = factorType(unit.factor);
  return {
    name: `memoryAttention gradients of ${source} keys and values in matrices`,
    read: {
      ...rowBindings([own.k, own.v], Dh),
      queryRows: type,
      cotangentRows: type,
      logSumExp: 'f32',
      outDots: 'f32',
      ...(isStored ? {positions: 'i32'} : {}),
    },
    write: rowBindings([own.gradK, own.gradV], Dh),
    uniforms: g.uniformNames,
    matrices: true,
    workgroups: spread(outer * g.G * keyBlocks, limits),
    code: `
${g.code}
${isStored ? '' : seenRange(source, attrs.fading)}
${walk.declarations}
var<workgroup> levels: array<f32, ${2 * tile}>;
var<workgroup> dots: array<f32, ${2 * tile}>;
@compute @workgroup_size(${walk.threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let block = workgroup % ${keyBlocks}u;
  let group = workgroup / ${keyBlocks}u % GROUPS;
  let outer = workgroup / ${keyBlocks}u / GROUPS;
  ${ownerRange(source, keys)}
  ${walk.place}
  ${walk.eachMatrix(i => ownerRow(source, `block * ${keys}u + line${i}`, `${i}`))}
  ${walk.eachMatrix(
    i => `
  let firstQuery${i} = select(last + 1, ${isStored ? 'first' : `firstSeen(row${i})`}, isSeen${i});
  let lastQuery${i} = ${isStored ? 'last' : `min(last, lastSeen(row${i}))`};`,
  )}
  ${wholeRange(source, keys)}
  let tilesOfHead = (max(0, last - first + 1) + ${tile - 1}) / ${tile};
  let tiles = tilesOfHead * i32(REPEATS);
  ${walk.walk}
  ${store('gradientK', own.gradK, `${lowered} * SCALE`)}
  ${store('gradientV', own.gradV, lowered)}
}`,
  };
}
