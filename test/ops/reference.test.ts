// The definitions themselves: every reference gradient agrees with finite differences of its forward pass in float64.

import {expect} from 'chai';
import {gradName} from '../../custom-ops/op.js';
import {opList} from '../../custom-ops/op-list.js';
import {referenceBackward, referenceForward} from '../../custom-ops/parity.js';
import type {NamedArrays, Sample} from '../../custom-ops/sampling.js';
import {sampleCase, seededRandom} from '../../custom-ops/sampling.js';
import {expectClose} from '../support/error.js';

const STEP = 1e-4;
/** Directions a case: each one tests every element of every input at once. */
const DIRECTIONS = 4;

function objective(sample: Sample, inputs: NamedArrays): number {
  const outputs = referenceForward(sample, inputs);
  let total = 0;
  for (const [gradientName, cotangent] of Object.entries(sample.cotangents)) {
    const name = Object.keys(outputs).find(candidate => gradName(candidate) === gradientName) ?? '';
    for (let i = 0; i < cotangent.length; i++) total += cotangent[i] * outputs[name][i];
  }
  return total;
}

describe('reference gradients against finite differences (float64)', () => {
  for (const op of opList.filter(candidate => candidate.backward !== undefined)) {
    for (const opCase of op.cases.filter(candidate => candidate.use === 'test')) {
      it(`${op.name} ${opCase.name}`, () => {
        const sample = sampleCase(op, opCase, 7);
        const gradients = referenceBackward(sample);
        const random = seededRandom(11);
        const names = Object.keys(sample.inputs).filter(name => op.inputs[name].differentiable);
        for (const name of names) {
          const expected: number[] = [];
          const actual: number[] = [];
          for (let k = 0; k < DIRECTIONS; k++) {
            const base = sample.inputs[name];
            const direction = Float64Array.from(base, () => random.normal());
            const at = (t: number): number =>
              objective(sample, {
                ...sample.inputs,
                [name]: Float64Array.from(base, (x, i) => x + t * direction[i]),
              });
            // Fourth-order central difference: error about STEP^4.
            expected.push((8 * (at(STEP) - at(-STEP)) - (at(2 * STEP) - at(-2 * STEP))) / (12 * STEP));
            actual.push([...gradients[gradName(name)]].reduce((total, g, i) => total + g * direction[i], 0));
          }
          expectClose(actual, expected, 1e-6, `${op.name}.${gradName(name)}`);
        }
        expect(names.length).to.be.greaterThan(0);
      });
    }
  }
});
