// What is checked on the GPU of a browser, as a list: the form in which each op runs, parity and gradients of the ops, sequence
// laws of layers. `quick` is one small case of each op; `thorough` is every line of every kernel, and layers of each kind.
// Node's tests run all cases and layers, through the same compiler of another version and on the same driver.

import {hasKernel} from '../../custom-ops/index.js';
import type {Attributes, OpCase, OpDefinition} from '../../custom-ops/op.js';
import {opList} from '../../custom-ops/op-list.js';
import type {StreamingLayer} from '../../layers/index.js';
import {streamingLayers} from '../layers/mixers.js';
import {casesOfEveryLine} from './every-line.js';
import {expectParity} from './kernel-laws.js';
import {expectCausal, expectPiecesAgree, LENGTH} from './sequence-laws.js';

export type Extent = 'quick' | 'thorough';

export interface Check {
  readonly name: string;
  run(): Promise<void>;
}

/** Few shapes: on a software GPU nearly all the time goes into compiling a shader for each. */
export const quickSplits = [[LENGTH], [18, 18, 5]];
const quickLayers = ["B'MOJO, sliding", "B'MOJO-F with storage", 'Mamba'];
export type NamedLayer = readonly [string, () => StreamingLayer];

/** One layer of each kind. */
export const someLayers: readonly NamedLayer[] = quickLayers.map(name => [name, streamingLayers[name]]);

/** The laws of layers, as checks; `cuts` are the pieces of one. */
export function layerChecks(
  layers: readonly NamedLayer[],
  cuts: (name: string) => readonly (readonly number[])[],
): Check[] {
  return layers.flatMap(([name, create]) => [
    {
      name: `${name}: whole and in pieces agree`,
      run: () => expectPiecesAgree(create, name, cuts(name)),
    },
    {name: `${name}: a later token changes nothing earlier`, run: () => expectCausal(create)},
  ]);
}

/** The smallest case whose every size is above one. */
function oneCase({cases}: OpDefinition): OpCase<Attributes>[] {
  const size = ({dims}: OpCase<Attributes>): number => Object.values(dims).reduce((a, b) => a * (b + 1), 1);
  const tests = cases.filter(({use, dims}) => use === 'test' && (dims.L ?? 2) > 1);
  return tests.length === 0 ? [] : [tests.reduce((a, b) => (size(b) < size(a) ? b : a))];
}

export function gpuChecks(extent: Extent): Check[] {
  const parity = opList.flatMap(op => {
    const cases = extent === 'quick' ? oneCase(op) : casesOfEveryLine(op);
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
  return extent === 'quick'
    ? [...forms, ...parity]
    : [...forms, ...parity, ...layerChecks(someLayers, () => quickSplits)];
}
