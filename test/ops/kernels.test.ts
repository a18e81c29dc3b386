// Every kernel of every backend against the float64 reference: values, gradients, poisoned memory, leaks, and that
// the kernel meant is the one that ran. Adding an op or a backend adds no line here.

import type {Tensor} from '@tensorflow/tfjs-core';
import {memory, profile, tensor} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {wasmDebug} from '../../custom-ops/backends/wasm.js';
import {backendNames, useBackend, withComposedOps} from '../../custom-ops/index.js';
import {kernelName, shapeOf} from '../../custom-ops/op.js';
import {opList} from '../../custom-ops/registry.js';
import {runOp} from '../../custom-ops/run.js';
import {expectClose} from '../support/error.js';
import {referenceBackward, referenceForward, runOnBackend, sampleCase} from '../support/op-harness.js';

const FORWARD = 1e-5;
const GRADIENT = 1e-4;

for (const backend of backendNames) {
  for (const form of ['kernel', 'composed'] as const) {
    describe(`${form} parity on ${backend}`, () => {
      before(async () => {
        await useBackend(backend);
        wasmDebug.poison = form === 'kernel';
      });
      after(() => {
        wasmDebug.poison = false;
      });
      for (const op of opList) {
        for (const opCase of op.cases.filter(candidate => candidate.use === 'test')) {
          it(`${op.name} ${opCase.name}`, () => {
            const sample = sampleCase(op, opCase, 3);
            const expected = referenceForward(sample);
            const before = memory().numTensors;
            const run = () => runOnBackend(sample, true);
            const {results, gradients} = form === 'kernel' ? run() : withComposedOps(run);
            expect(memory().numTensors, 'tensors left behind').to.equal(before);
            for (const [name, values] of Object.entries(results)) {
              if (values instanceof Int32Array) expect([...values], name).to.deep.equal([...expected[name]]);
              else expectClose(values, expected[name], FORWARD, `${op.name}.${name}`);
            }
            if (op.backward === undefined) return;
            const expectedGradients = referenceBackward(sample);
            expect(Object.keys(gradients).sort()).to.deep.equal(Object.keys(expectedGradients).sort());
            for (const [name, values] of Object.entries(gradients)) {
              expectClose(values, expectedGradients[name], GRADIENT, `${op.name}.${name}`);
            }
          });
        }
      }
    });
  }

  describe(`the fused kernel runs on ${backend}`, () => {
    before(() => useBackend(backend));
    for (const op of opList.filter(candidate =>
      Object.values(candidate.inputs).every(spec => !spec.inPlace),
    )) {
      it(op.name, async () => {
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
  });
}
