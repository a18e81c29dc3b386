// Four floats of a row, whatever its width and binding: the WGSL means what plain indexing means. Run as JavaScript, in
// which these expressions mean the same once numbers lose their u.

import {expect} from 'chai';
import type {Rows} from '../../custom-ops/wgsl/rows.js';
import {load4, quadsOf, rowType, store4} from '../../custom-ops/wgsl/rows.js';

type Four = number[];

const vec4f = (...items: Four): Four => (items.length === 0 ? [0, 0, 0, 0] : items);
const select = <T>(no: T, yes: T, condition: boolean): T => (condition ? yes : no);

function evaluate(code: string, scope: Record<string, unknown>): unknown {
  const names = ['vec4f', 'select', 'min', ...Object.keys(scope)];
  const values = [vec4f, select, Math.min, ...Object.values(scope)];
  return new Function(...names, code.replace(/\b(\d+)u\b/g, '$1'))(...values);
}

const COUNT = 3;
const stored = [-5, -6, -7, -8];

/** Each number names its row and column. */
function numbers({width, stride = width}: Rows): number[] {
  return Array.from({length: COUNT * stride}, (_, i) => (i % stride < width ? i + 1 : -1));
}

function asBound(flat: readonly number[], {width, type = rowType(width)}: Rows): (number | Four)[] {
  if (type === 'f32') return [...flat];
  return Array.from({length: flat.length / 4}, (_, i) => flat.slice(4 * i, 4 * i + 4));
}

function expected(flat: readonly number[], {width, stride = width}: Rows, row: number, quad: number): Four {
  return [0, 1, 2, 3].map(i => (4 * quad + i < width ? flat[row * stride + 4 * quad + i] : 0));
}

const shapes: Rows[] = [
  ...[1, 3, 4, 5, 8, 12, 13].map(width => ({name: 'x', width})),
  {name: 'x', width: 8, type: 'f32'},
  {name: 'x', width: 12, reach: 4},
  {name: 'x', width: 12, type: 'f32', reach: 4},
  {name: 'x', width: 5, reach: 4},
  {name: 'x', width: 8, stride: 12},
  {name: 'x', width: 8, stride: 12, reach: 4},
];

describe('rows by fours', () => {
  for (const rows of shapes) {
    const {width, reach = quadsOf(width)} = rows;
    const what = Object.entries(rows)
      .filter(([key]) => key !== 'name')
      .map(([key, value]) => `${key} ${value}`)
      .join(', ');

    it(`are loaded: ${what}`, () => {
      const flat = numbers(rows);
      const x = asBound(flat, rows);
      for (let row = 0; row < COUNT; row++) {
        for (let q = 0; q < reach; q++) {
          const means = expected(flat, rows, row, q);
          expect(evaluate(`return ${load4(rows, 'row', q)}`, {x, row})).to.deep.equal(means);
          expect(evaluate(`return ${load4(rows, 'row', 'q')}`, {x, row, q})).to.deep.equal(means);
          expect(
            evaluate(`return ${load4(rows, 'row + 1u', 'q - 1u')}`, {x, row: row - 1, q: q + 1}),
          ).to.deep.equal(means);
        }
      }
    });

    it(`are stored: ${what}`, () => {
      const flat = numbers(rows);
      for (let row = 0; row < COUNT; row++) {
        for (let q = 0; q < reach; q++) {
          for (const quad of [q, 'q'] as const) {
            const x = asBound(flat, rows);
            evaluate(store4(rows, 'row', quad, 'v'), {x, row, q, v: stored});
            const first = row * (rows.stride ?? width) + 4 * q;
            const end = Math.min(first + 4, row * (rows.stride ?? width) + width);
            const means = flat.map((value, at) => (at >= first && at < end ? stored[at - first] : value));
            expect(x.flat()).to.deep.equal(means);
          }
        }
      }
    });
  }

  it('cost no comparison where none is needed', () => {
    for (const code of [
      load4({name: 'x', width: 8}, 'row', 'q'),
      load4({name: 'x', width: 5}, 'row', 1),
      store4({name: 'x', width: 8, type: 'f32'}, 'row', 'q', 'v'),
    ])
      expect(code).not.to.match(/select|if|min/);
  });
});
