// What is checked on a GPU, in Node and in the browser alike, as a list: parity and gradients of the ops, the form in which
// each op runs, the sequence laws of the layers. `quick` is one small case of each op; `all` is everything.

import {hasKernel} from '../../custom-ops/index.js';
import type {Attributes, OpCase, OpDefinition} from '../../custom-ops/op.js';
import {opList} from '../../custom-ops/op-list.js';
import {casesOf} from '../../custom-ops/parity.js';
import type {StreamingLayer} from '../../layers/index.js';
import {streamingLayers} from '../layers/mixers.js';
import {expectParity} from './kernel-laws.js';
import {expectCausal, expectPiecesAgree, LENGTH, splits} from './sequence-laws.js';

export type Extent = 'quick' | 'all';

export interface Check {
  readonly name: string;
  run(): Promise<void>;
}

/** Few shapes: on a software GPU nearly all the time goes into compiling a shader for each. */
export const quickSplits = [[LENGTH], [18, 18, 5]];
const quickLayers = ["B'MOJO, sliding", "B'MOJO-F with storage", 'Mamba'];
/** The layer that has every kind of memory: `all` cuts it in every way. */
const fullestLayer = "B'MOJO, sliding";

export function gpuLayers(extent: Extent): [string, () => StreamingLayer][] {
  return Object.entries(streamingLayers).filter(([name]) => extent === 'all' || quickLayers.includes(name));
}

/** The smallest case whose every size is above one. */
function oneCase({cases}: OpDefinition): OpCase<Attributes>[] {
  const size = ({dims}: OpCase<Attributes>): number => Object.values(dims).reduce((a, b) => a * (b + 1), 1);
  const tests = cases.filter(({use, dims}) => use === 'test' && (dims.L ?? 2) > 1);
  return tests.length === 0 ? [] : [tests.reduce((a, b) => (size(b) < size(a) ? b : a))];
}

export function gpuChecks(extent: Extent): Check[] {
  const parity = opList.flatMap(op => {
    const cases = extent === 'quick' ? oneCase(op) : casesOf(op, 'test');
    return cases.map(opCase => ({
      name: `${op.name} ${opCase.name}`,
      run: () => expectParity(op, opCase, 'kernel'),
    }));
  });
  const forms = opList.map(op => ({
    name: `${op.name} has its kernel`,
    run: async () => {
      if (!hasKernel(op)) throw new Error(`${op.name} runs composed`);
    },
  }));
  if (extent === 'quick') return [...forms, ...parity];
  const laws = gpuLayers(extent).flatMap(([name, create]) => [
    {
      name: `${name}: whole and in pieces agree`,
      run: () => expectPiecesAgree(create, name, name === fullestLayer ? splits : quickSplits),
    },
    {name: `${name}: a later token changes nothing earlier`, run: () => expectCausal(create)},
  ]);
  return [...forms, ...parity, ...laws];
}
