import {checkBoolean, checkInteger, refuse} from '../check.js';
import type {OpCase, OpDefinition} from '../op.js';
import {composed} from './composed.js';
import {forward} from './reference.js';

export type InnovationSelectAttributes = {
  /** Chunk length w. */
  readonly window: number;
  /** Slots me. */
  readonly capacity: number;
  /** Whether the chunk just before the queries' own may be stored. */
  readonly overlap: boolean;
  /** Rows before the first query's own. */
  readonly queryOffset: number;
  /** Position of the first query within its chunk. */
  readonly phase: number;
};

const whole: InnovationSelectAttributes = {window: 8, capacity: 6, overlap: false, queryOffset: 0, phase: 0};

function test(
  name: string,
  B: number,
  M: number,
  attrs: Partial<InnovationSelectAttributes>,
): OpCase<InnovationSelectAttributes> {
  return {name, dims: {B, M}, attrs: {...whole, ...attrs}, use: 'test'};
}

export const innovationSelectOp: OpDefinition<InnovationSelectAttributes> = {
  name: 'innovationSelect',
  inputs: {scores: {shape: 'B M', dtype: 'float32'}},
  outputs: {positions: {shape: 'B C me', dtype: 'int32', role: 'result'}},
  derivedDims: {
    C: ({M}, {queryOffset, phase, window}) => Math.ceil((phase + M - queryOffset) / window),
    me: (_, {capacity}) => capacity,
  },
  checkAttributes: ({window, capacity, overlap, queryOffset, phase}, {M}) => {
    const name = 'innovationSelect';
    checkInteger(name, 'window', window, 1, 2 ** 30 - 1);
    checkInteger(name, 'capacity', capacity, 1, 2 ** 16);
    checkBoolean(name, 'overlap', overlap);
    checkInteger(name, 'phase', phase, 0, window - 1);
    checkInteger(name, 'queryOffset', queryOffset, 0);
    if (M <= queryOffset) refuse(name, 'queryOffset', `below the ${M} rows of scores`, queryOffset);
  },
  forward: {
    reference: forward,
    native: {
      symbol: 'innovation_select',
      scalars: ({B, M, C}, {window, capacity, overlap, queryOffset, phase}) => [
        B,
        M,
        C,
        capacity,
        window,
        overlap ? 1 : 0,
        queryOffset,
        phase,
      ],
    },
  },
  composed,
  cases: [
    test('one token', 2, 1, {}),
    test('L37', 2, 37, {}),
    test('L64 w16, more slots than tokens', 1, 64, {window: 16, capacity: 100}),
    test('overlap', 2, 41, {overlap: true}),
    test('window 1', 1, 9, {window: 1, capacity: 3}),
    test('stream', 2, 41, {queryOffset: 20, phase: 3, capacity: 4}),
    test('stream of one token', 1, 25, {queryOffset: 24, phase: 7}),
    {
      name: 'B4 L1024 w64 me32',
      dims: {B: 4, M: 1024},
      attrs: {...whole, window: 64, capacity: 32},
      use: 'bench',
    },
  ],
  sample: {
    // Few distinct values, so that ties are common; some rows have had their chance (-1).
    scores: (random, _dims, _attrs, length) =>
      Array.from({length}, () => (random.uniform() < 0.1 ? -1 : Math.floor(12 * random.uniform()) / 4)),
  },
};
