// The laws of every kernel on one backend: values and gradients against the float64 reference, no tensor left behind,
// and that the kernel meant is the one that ran. Adding an op or a backend adds no line here.

import type {Tensor} from '@tensorflow/tfjs-core';
import {memory, profile, tensor} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {hasKernel} from '../../custom-ops/index.js';
import type {Attributes, OpCase, OpDefinition} from '../../custom-ops/op.js';
import {gradName, kernelName, shapeOf} from '../../custom-ops/op.js';
import {opList} from '../../custom-ops/op-list.js';
import {
  casesOf,
  deviations,
  referenceBackward,
  relativeError,
  runOnBackend,
  tolerances,
} from '../../custom-ops/parity.js';
import {runOp} from '../../custom-ops/run.js';
import {sampleCase} from '../../custom-ops/sampling.js';

export async function expectParity(
  op: OpDefinition,
  opCase: OpCase<Attributes>,
  form: 'kernel' | 'composed',
): Promise<void> {
  const before = memory().numTensors;
  const found = await deviations(op, opCase, {form});
  expect(memory().numTensors, 'tensors left behind').to.equal(before);
  for (const {quantity, error, isWithin} of found) {
    expect(isWithin, `${op.name}.${quantity}: RMS-relative error ${error}`).to.equal(true);
  }
  const sample = sampleCase(op, opCase, 3);
  const wanted = Object.keys(op.backward === undefined ? {} : referenceBackward(sample));
  const compared = found.map(({quantity}) => quantity);
  expect(compared.length).to.be.greaterThan(0);
  expect(compared).to.include.members(wanted);
}

/** One test for each case of some ops, by default all cases of all. */
export function parityTests(
  form: 'kernel' | 'composed',
  of: readonly OpDefinition[] = opList,
  cases = (op: OpDefinition) => casesOf(op, 'test'),
): void {
  for (const op of of) {
    for (const opCase of cases(op)) {
      it(`${op.name} ${opCase.name}`, () => expectParity(op, opCase, form));
    }
  }
}

/** One test for each op with results that a caller may leave: without their cotangents, gradients are those of the rest. */
export function leftResultTests(form: 'kernel' | 'composed', of: readonly OpDefinition[] = opList): void {
  for (const op of of) {
    const left = Object.keys(op.outputs).filter(name => op.outputs[name].optional);
    if (left.length === 0) continue;
    it(`${op.name} without ${left.join(' and ')}`, async () => {
      const opCase = op.cases.find(({use, dims}) => use === 'test' && dims.L > 1);
      const sample = sampleCase(op, opCase!, 3);
      const kept = Object.entries(sample.cotangents).filter(
        ([name]) => !left.some(one => gradName(one) === name),
      );
      const alone = {...sample, cotangents: Object.fromEntries(kept)};
      const before = memory().numTensors;
      const {results, gradients} = await runOnBackend(alone, form, left);
      expect(memory().numTensors, 'tensors left behind').to.equal(before);
      expect(results).to.not.have.any.keys(...left);
      for (const [name, expected] of Object.entries(referenceBackward(alone)))
        expect(relativeError(gradients[name], expected), name).to.be.below(tolerances.float32.gradient);
    });
  }
}

/** One test for each op: it runs as its own kernel, or, where that is said, as tf operations. */
export function fusionTests(composed: ReadonlySet<string> = new Set()): void {
  for (const op of opList) {
    if (Object.values(op.inputs).some(spec => spec.inPlace)) continue;
    it(`${op.name} runs ${composed.has(op.name) ? 'composed' : 'as its kernel'}`, async () => {
      expect(hasKernel(op)).to.equal(!composed.has(op.name));
      if (composed.has(op.name)) return;
      const sample = sampleCase(op, op.cases[0], 5);
      const inputs: Record<string, Tensor> = {};
      for (const [name, values] of Object.entries(sample.inputs)) {
        const data = values instanceof Int32Array ? values : Float32Array.from(values);
        inputs[name] = tensor(data, shapeOf(op.inputs[name], sample.dims), op.inputs[name].dtype);
      }
      const {kernelNames} = await profile(() => Object.values(runOp(op, inputs, sample.attrs))[0]);
      expect(kernelNames).to.deep.equal([kernelName(op, 'forward')]);
    });
  }
}
