import {checkBoolean, checkInteger, refuse} from '../check.js';
import type {OpDefinition} from '../op.js';
import type {InnovationSelectAttributes} from './attributes.js';
import {cases, sample} from './cases.js';
import {composed} from './composed.js';
import {forward} from './reference.js';

export const innovationSelectOp: OpDefinition<InnovationSelectAttributes> = {
  name: 'innovationSelect',
  inputs: {scores: {shape: 'B M', dtype: 'float32'}},
  outputs: {positions: {shape: 'B C me', dtype: 'int32', role: 'result'}},
  derivedDims: {
    C: ({M}, {queryOffset, phase, window}) => Math.ceil((phase + M - queryOffset) / window),
    me: (_, {capacity}) => capacity,
  },
  attributes: {
    window: {type: 'int', least: 1},
    capacity: {type: 'int', least: 1},
    overlap: {type: 'bool'},
    queryOffset: {type: 'int', least: 0, varies: true},
    phase: {type: 'int', least: 0, varies: true},
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
      scalars: ['B', 'M', 'C', 'capacity', 'window', 'overlap', 'queryOffset', 'phase'],
    },
  },
  composed,
  cases,
  sample,
};
