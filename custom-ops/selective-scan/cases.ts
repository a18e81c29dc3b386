// Shapes and value ranges on which selectiveScan is tested and timed.

import type {OpCase, OpDefinition} from '../op.js';
import type {SelectiveScanAttributes} from './attributes.js';

const on: SelectiveScanAttributes = {deltaSoftplus: true};
const off: SelectiveScanAttributes = {deltaSoftplus: false};
const extras = ['D', 'z', 'deltaBias', 'initialState'] as const;

export const cases: OpCase<SelectiveScanAttributes>[] = [
  {name: 'one token', dims: {B: 2, L: 1, E: 4, N: 16}, attrs: on, use: 'test'},
  {name: 'L7 N5 E3', dims: {B: 2, L: 7, E: 3, N: 5}, attrs: on, use: 'test'},
  {name: 'L63 N4', dims: {B: 1, L: 63, E: 16, N: 4}, attrs: on, use: 'test'},
  {name: 'L64 N16', dims: {B: 2, L: 64, E: 8, N: 16}, attrs: on, use: 'test'},
  {name: 'L65 N8 E10', dims: {B: 2, L: 65, E: 10, N: 8}, attrs: on, use: 'test'},
  {name: 'L130 N1', dims: {B: 1, L: 130, E: 7, N: 1}, attrs: on, use: 'test'},
  {name: 'L100 N16 E24', dims: {B: 2, L: 100, E: 24, N: 16}, attrs: on, use: 'test'},
  {name: 'bare', dims: {B: 2, L: 66, E: 6, N: 16}, attrs: off, omit: extras, use: 'test'},
  ...extras.map(
    (name): OpCase<SelectiveScanAttributes> => ({
      name: `without ${name}`,
      dims: {B: 1, L: 9, E: 5, N: 4},
      attrs: on,
      omit: [name],
      use: 'test',
    }),
  ),
  {name: 'B4 L512 E256 N16', dims: {B: 4, L: 512, E: 256, N: 16}, attrs: on, use: 'bench'},
  {
    name: 'B128 L256 E128 N16',
    dims: {B: 128, L: 256, E: 128, N: 16},
    attrs: on,
    use: 'bench',
    kernelOnly: true,
  },
  {
    name: 'several blocks of channels',
    dims: {B: 2, L: 100, E: 140, N: 16},
    attrs: {deltaSoftplus: true},
    use: 'cuda',
  },
  {name: 'N20', dims: {B: 1, L: 70, E: 37, N: 20}, attrs: {deltaSoftplus: true}, use: 'cuda'},
  {name: 'N48', dims: {B: 1, L: 70, E: 40, N: 48}, attrs: {deltaSoftplus: true}, use: 'cuda'},
  {name: 'N100', dims: {B: 1, L: 130, E: 12, N: 100}, attrs: {deltaSoftplus: true}, use: 'cuda'},
  {name: 'long', dims: {B: 1, L: 1000, E: 8, N: 16}, attrs: {deltaSoftplus: true}, use: 'cuda'},
  {name: 'long, uneven', dims: {B: 2, L: 777, E: 5, N: 12}, attrs: {deltaSoftplus: true}, use: 'cuda'},
  {name: 'long, N40', dims: {B: 1, L: 500, E: 9, N: 40}, attrs: {deltaSoftplus: true}, use: 'cuda'},
  {
    name: 'long, bare',
    dims: {B: 2, L: 400, E: 12, N: 16},
    attrs: {deltaSoftplus: false},
    omit: ['D', 'z', 'deltaBias', 'initialState'],
    use: 'cuda',
  },
];

/** Decays between a few tokens and a few hundred, as in a trained model. */
export const sample: OpDefinition<SelectiveScanAttributes>['sample'] = {
  A: (random, _dims, _attrs, length) => Array.from({length}, () => -0.2 - 3 * random.uniform()),
  delta: (random, _dims, attrs, length) =>
    Array.from({length}, () => (attrs.deltaSoftplus ? random.normal() - 1 : 0.02 + 0.5 * random.uniform())),
  deltaBias: (random, _dims, _attrs, length) => Array.from({length}, () => random.normal() - 1),
};
