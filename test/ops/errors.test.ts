// Bad input to any op: an ArgumentError that names function, argument, expectation and what came. The cases follow from
// the declarations: every input is left out, given another rank, type and size, every number of the attributes spoilt.

import type {Tensor} from '@tensorflow/tfjs-core';
import {tensor, tidy, variable} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {ArgumentError, useBackend} from '../../custom-ops/index.js';
import type {Attributes, DType, InputSpec, OpDefinition} from '../../custom-ops/op.js';
import {shapeOf} from '../../custom-ops/op.js';
import {opList} from '../../custom-ops/op-list.js';
import {runOp} from '../../custom-ops/run.js';
import type {Sample} from '../../custom-ops/sampling.js';
import {sampleCase} from '../../custom-ops/sampling.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';

type Inputs = Record<string, Tensor>;

/** The first test case that has every input, else the first. */
function sampleOf(op: OpDefinition): Sample {
  const tests = op.cases.filter(candidate => candidate.use === 'test');
  return sampleCase(op, tests.find(candidate => candidate.omit === undefined) ?? tests[0], 13);
}

function toInput(
  spec: InputSpec,
  values: ArrayLike<number>,
  shape: number[],
  dtype: DType = spec.dtype,
): Tensor {
  const data = dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values);
  const created = tensor(data, shape, dtype);
  return spec.inPlace ? variable(created) : created;
}

function goodInputs({op, inputs, dims}: Sample): Inputs {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, values]) => {
      const spec = op.inputs[name];
      return [name, toInput(spec, values, shapeOf(spec, dims))];
    }),
  );
}

/** Runs `op` on the sample's inputs with some replaced (undefined leaves one out) and returns what it refused. */
function refusal(
  sample: Sample,
  replace: (good: Inputs) => Record<string, unknown>,
  attrs: Attributes = sample.attrs,
): ArgumentError {
  const {op} = sample;
  let thrown: unknown;
  tidy(() => {
    const good = goodInputs(sample);
    try {
      runOp(op, {...good, ...replace(good)} as Inputs, attrs);
    } catch (error) {
      thrown = error;
    } finally {
      for (const name of Object.keys(good)) if (op.inputs[name].inPlace) good[name].dispose();
    }
  });
  expect(thrown, `${op.name} accepted it`).to.be.instanceOf(ArgumentError);
  const error = thrown as ArgumentError;
  expect(error.functionName).to.equal(op.name);
  expect(error.message).to.equal(
    `${op.name}: ${error.argument} must be ${error.expected}, got ${error.received}`,
  );
  expect(error.expected).to.not.equal('');
  return error;
}

/** The tokens of a shape, none for `*` (any shape). */
function tokens(spec: InputSpec): string[] {
  return spec.shape === '' || spec.shape === '*' ? [] : spec.shape.split(' ');
}

/** Whether another size of this axis contradicts a derived size or another input. */
function isBound({op, inputs}: Sample, name: string, token: string): boolean {
  if (op.derivedDims?.[token] !== undefined) return true;
  return Object.keys(inputs).some(other => other !== name && tokens(op.inputs[other]).includes(token));
}

describe('bad input to an op', () => {
  before(() => useBackend('cpu'));

  for (const op of opList) {
    describe(op.name, () => {
      const sample = sampleOf(op);
      for (const [name, values] of Object.entries(sample.inputs)) {
        const spec = op.inputs[name];
        const shape = shapeOf(spec, sample.dims);

        if (!spec.optional) {
          it(`${name} left out`, () => {
            const error = refusal(sample, () => ({[name]: undefined}));
            expect(error.argument).to.equal(name);
            expect(error.expected).to.include(spec.dtype);
            expect(error.received).to.equal('undefined');
          });
        }

        it(`${name} of another kind`, () => {
          const error = refusal(sample, () => ({[name]: [1, 2]}));
          expect(error.argument).to.equal(name);
          expect(error.received).to.equal('[1, 2]');
        });

        it(`${name} of another type`, () => {
          const other = spec.dtype === 'int32' ? 'float32' : 'int32';
          const error = refusal(sample, () => ({[name]: tensor([...values].map(Math.round), shape, other)}));
          expect(error.argument).to.equal(name);
          expect(error.expected).to.include(spec.dtype);
          expect(error.received).to.include(other);
        });

        if (spec.shape !== '*') {
          it(`${name} of another rank`, () => {
            const error = refusal(sample, () => ({[name]: toInput(spec, values, [1, ...shape])}));
            expect(error.argument).to.equal(name);
            expect(error.expected).to.include(`rank ${shape.length}`);
            expect(error.received).to.equal(`[${[1, ...shape].join(', ')}]`);
          });
        }

        tokens(spec).forEach((token, axis) => {
          if (!isBound(sample, name, token)) return;
          it(`${name} with twice the size ${token}`, () => {
            const wrong = shape.map((size, at) => (at === axis ? 2 * Math.max(size, 1) : size));
            const length = wrong.reduce((product, size) => product * size, 1);
            const replaced = toInput(spec, new Float64Array(length), wrong);
            const error = refusal(sample, () => ({[name]: replaced}));
            replaced.dispose();
            const text = `${error.argument} ${error.expected}`;
            expect(text.split(/[^\w-]+/), error.message).to.include(token);
          });
        });

        if (spec.inPlace) {
          it(`${name} as a tensor instead of a variable`, () => {
            const error = refusal(sample, () => ({[name]: tensor([...values], shape)}));
            expect(error.argument).to.equal(name);
            expect(error.expected).to.include('Variable');
          });
        }
      }

      it('an input that it does not know', () => {
        const error = refusal(sample, () => ({mystery: tensor([1])}));
        expect(error.argument).to.equal('mystery');
        for (const name of Object.keys(op.inputs)) expect(error.expected).to.include(name);
      });

      for (const [name, value] of Object.entries(sample.attrs)) {
        const wrong: unknown[] = typeof value === 'number' ? [Number.NaN, -1e300, 'many'] : [];
        if (typeof value === 'string') wrong.push('nonsense', 1);
        if (typeof value === 'boolean') wrong.push('yes', Number.NaN);
        for (const spoilt of wrong) {
          it(`${name} ${spoilt}`, () => {
            const error = refusal(sample, () => ({}), {...sample.attrs, [name]: spoilt} as Attributes);
            expect(error.argument).to.equal(name);
            expect(error.received).to.equal(typeof spoilt === 'string' ? `"${spoilt}"` : String(spoilt));
          });
        }
      }
    });
  }
});

for (const backend of readableBackends) {
  describe(`integers out of range on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });
    for (const op of opList) {
      const sample = sampleOf(op);
      for (const [name, bounds] of Object.entries(op.integerRange ?? {})) {
        if (sample.inputs[name] === undefined) continue;
        const [lowest, highest, besides] = bounds(sample.dims, sample.attrs);
        for (const bad of [lowest - 1, highest + 1].filter(value => value !== besides)) {
          it(`${op.name}: ${name} ${bad}`, () => {
            const values = [...sample.inputs[name]];
            const at = values.length - 1;
            values[at] = bad;
            const shape = shapeOf(op.inputs[name], sample.dims);
            const error = refusal(sample, () => ({[name]: tensor(values, shape, 'int32')}));
            expect(error.argument).to.equal(name);
            expect(error.expected).to.include(`[${lowest}, ${highest}]`);
            expect(error.received).to.equal(`${bad} at flat index ${at}`);
          });
        }
      }
    }
  });
}
