// Several calls of an op at once, compared with the float64 reference of each.

import {tidy} from '@tensorflow/tfjs-core';
import type {Attributes, Dims, OpCase, OpDefinition} from './op.js';
import type {Deviation} from './parity.js';
import {precisionOf, referenceForward, relativeError, tolerances, toTensors} from './parity.js';
import type {NamedArrays, Sample} from './sampling.js';
import {sampleCase} from './sampling.js';
import {runTogether} from './together.js';

/** Samples of one case in several sizes, with what is shared the same in all. */
function samplesTogether(op: OpDefinition, opCase: OpCase<Attributes>, sizes: readonly Dims[]): Sample[] {
  const samples = sizes.map((dims, i) => sampleCase(op, {...opCase, dims}, 3 + i));
  const isShared = ([name]: [string, unknown]): boolean => op.inputs[name].shared === true;
  const shared = Object.fromEntries(Object.entries(samples[0].inputs).filter(isShared));
  return samples.map(sample => ({...sample, inputs: {...sample.inputs, ...shared}}));
}

/** Results of the references added up, and what each has written, by name and number of the call. */
function expectedOf(op: OpDefinition, samples: readonly Sample[]): NamedArrays {
  const expected: NamedArrays = {};
  samples.forEach((sample, i) => {
    for (const [name, values] of Object.entries(referenceForward(sample))) {
      if (op.inputs[name]?.inPlace) expected[`${name} ${i}`] = values;
      else expected[name] = values.map((value, at) => value + (expected[name]?.[at] ?? 0));
    }
  });
  return expected;
}

/** Compares the results of one case's calls in several sizes, made together, and what they have written, with the references. */
export async function deviationsTogether(
  op: OpDefinition,
  opCase: OpCase<Attributes>,
  sizes: readonly Dims[],
): Promise<Deviation[]> {
  const samples = samplesTogether(op, opCase, sizes);
  const inputs = samples.map(toTensors);
  const given = inputs.map(own => {
    const shared = Object.keys(own).filter(name => op.inputs[name].shared);
    return {...own, ...Object.fromEntries(shared.map(name => [name, inputs[0][name]]))};
  });
  const results = tidy(() => runTogether(op, given, opCase.attrs));
  const actual: Record<string, Float32Array> = {};
  for (const [name, result] of Object.entries(results)) {
    actual[name] = (await result.data<'float32'>()).slice();
    result.dispose();
  }
  for (const [i, own] of inputs.entries()) {
    for (const [name, tensor] of Object.entries(own)) {
      if (op.inputs[name].inPlace) actual[`${name} ${i}`] = (await tensor.data<'float32'>()).slice();
      tensor.dispose();
    }
  }
  const expected = expectedOf(op, samples);
  const most = tolerances[precisionOf(opCase.attrs)].forward;
  return Object.keys(expected).map(quantity => {
    const error = relativeError(actual[quantity] ?? [], expected[quantity]);
    return {quantity, error, isWithin: error <= most};
  });
}
