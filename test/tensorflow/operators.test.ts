// The operators as TensorFlow knows them: declared like the definitions, refusing what does not fit, leaving nothing behind.

import {existsSync} from 'node:fs';
import {join} from 'node:path';
import type {TensorInfo} from '@tensorflow/tfjs-core';
import {
  backend,
  memory,
  ones,
  scalar,
  tensor1d,
  tensor3d,
  tidy,
  variable,
  zeros,
} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {nativeOperators, startTensorFlow} from '../../custom-ops/backends/tensorflow/index.js';
import type {NativeDirection} from '../../custom-ops/backends/tensorflow/table.js';
import {adamW, selectiveScan} from '../../custom-ops/index.js';
import {varyingNumbers} from '../../custom-ops/native-numbers.js';
import {kernelName, kernelPorts} from '../../custom-ops/op.js';
import {opList} from '../../custom-ops/op-list.js';
import {useReadableBackend} from '../support/backends.js';
import {hostInputs, parseKernelList} from '../support/registered-kernels.js';

const root = join(import.meta.dirname, '../../..');

interface TensorFlow {
  executeMultipleOutputs(name: string, attrs: object[], inputs: TensorInfo[], outputs: number): unknown[];
  readonly binding: Readonly<Record<string, number>>;
  numDataIds(): number;
}

describe('operators of TensorFlow', () => {
  before(function () {
    return useReadableBackend(this, 'tensorflow');
  });

  it('are those of the registry, in its order', () => {
    expect(nativeOperators().map(({name}) => name)).to.deep.equal(opList.map(({name}) => name));
  });

  for (const op of opList) {
    it(`${op.name} is declared as its definition`, () => {
      const native = nativeOperators().find(({name}) => name === op.name)!;
      const written = Object.entries(op.inputs).flatMap(([name, {shape, dtype, inPlace}]) =>
        inPlace ? [{name, shape, dtype}] : [],
      );
      const forward = kernelPorts(op, 'forward');
      const ports = (direction: NativeDirection | null) =>
        direction === null ? null : {inputs: direction.inputs, outputs: direction.outputs};
      expect(ports(native.forward)).to.deep.equal({
        inputs: forward.inputs,
        outputs: [...forward.outputs, ...written],
      });
      expect(ports(native.backward)).to.deep.equal(
        op.backward === undefined ? null : kernelPorts(op, 'backward'),
      );
      const fixed = Object.keys(op.attributes).filter(name => !op.attributes[name].varies);
      expect(native.attributes.map(({name}) => name)).to.deep.equal(fixed);
      expect(native.varying).to.deep.equal(varyingNumbers(op).names);
    });
  }

  for (const op of opList) {
    const folder = op.name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
    const isComposed = op.composedOnCuda === true;

    it(`${op.name} ${isComposed ? "leaves GPUs to TensorFlow's own operations" : 'names its CUDA kernels'}`, () => {
      const native = nativeOperators().find(({name}) => name === op.name)!;
      expect(existsSync(join(root, 'custom-ops', folder, 'kernel.cu'))).to.equal(!isComposed);
      const symbol = (kernel: {native: {symbol: string}} | undefined): string | null | undefined =>
        isComposed ? null : kernel?.native.symbol;
      expect(native.forward.cuda).to.equal(symbol(op.forward));
      expect(native.backward?.cuda).to.equal(op.backward === undefined ? undefined : symbol(op.backward));
    });

    it(`${op.name} has the kernels that it should have in TensorFlow's registry`, () => {
      const {cuda, registeredKernels} = startTensorFlow();
      for (const direction of ['forward', 'backward'] as const) {
        if (op[direction] === undefined) continue;
        const kernels = parseKernelList(registeredKernels(kernelName(op, direction)));
        const devices = cuda && !isComposed ? ['CPU', 'GPU'] : ['CPU'];
        expect(kernels.map(({device}) => device)).to.have.members(devices);
        for (const {host} of kernels) expect(host).to.deep.equal(hostInputs(op));
      }
    });
  }

  describe('called past the checks of the functions', () => {
    const call = (name: string, attrs: object[], inputs: TensorInfo[], outputs: number): string => {
      try {
        (backend() as unknown as TensorFlow).executeMultipleOutputs(name, attrs, inputs, outputs);
      } catch (error) {
        return (error as Error).message;
      }
      return 'accepted';
    };
    const type = (name: string): number => (backend() as unknown as TensorFlow).binding[`TF_ATTR_${name}`];

    it('refuse another rank', () => {
      const message = call(
        'BMojoRmsNorm',
        [{name: 'epsilon', type: type('FLOAT'), value: 0}],
        [ones([2, 3]), ones([3])],
        2,
      );
      expect(message).to.include('rmsNorm: x must be of rank 3, [B, L, D], got [2, 3]');
    });

    it('refuse sizes that contradict each other', () => {
      const message = call('BMojoSwiglu', [], [ones([1, 2, 3]), ones([1, 2, 4])], 1);
      expect(message).to.include(
        'swiglu: up must be [B, L, E] = [1, 2, 3] (B from gate; L from gate; E from gate), got [1, 2, 4]',
      );
    });

    it('refuse sizes of nothing', () => {
      const message = call('BMojoSwiglu', [], [zeros([1, 0, 3]), zeros([1, 0, 3])], 1);
      expect(message).to.match(/swiglu: gate must be of sizes in \[1, .*got \[1, 0, 3\]/);
    });

    it('refuse another type', () => {
      const message = call('BMojoSwiglu', [], [ones([1, 2, 3], 'int32'), ones([1, 2, 3])], 1);
      expect(message).to.match(/float/);
    });

    it('refuse a wrong number of inputs', () => {
      expect(call('BMojoSwiglu', [], [ones([1, 2, 3])], 1)).to.not.equal('accepted');
    });

    it('refuse attributes out of range', () => {
      const attrs = [{name: 'activation', type: type('STRING'), value: 'relu'}];
      const none = tensor1d([]);
      const message = call('BMojoCausalConv1d', attrs, [ones([1, 4, 2]), ones([4, 2]), none, none], 2);
      expect(message).to.match(/activation|relu/);
    });

    it('refuse a missing attribute', () => {
      expect(call('BMojoRmsNorm', [], [ones([1, 2, 3]), ones([3])], 2)).to.match(/epsilon/);
    });
  });

  it('leave nothing behind after 1,000 calls with absent inputs', () => {
    const data = () => (backend() as unknown as TensorFlow).numDataIds();
    const once = (): void => {
      tidy(() => {
        const x = tensor3d([[[1, 2]]]);
        selectiveScan(
          {u: x, delta: x, A: ones([2, 1]), B: ones([1, 1, 1]), C: ones([1, 1, 1])},
          {deltaSoftplus: false},
        );
      });
    };
    once();
    const [tensors, ids] = [memory().numTensors, data()];
    for (let i = 0; i < 1000; i++) once();
    expect([memory().numTensors, data()]).to.deep.equal([tensors, ids]);
  });

  it('leave nothing behind after 1,000 updates of variables', () => {
    const data = () => (backend() as unknown as TensorFlow).numDataIds();
    const make = () => tidy(() => variable(zeros([3])));
    const state = {parameter: make(), firstMoment: make(), secondMoment: make()};
    const gradient = tensor1d([1, -1, 2]);
    const gradientScale = scalar(0.5);
    const once = (step: number) => adamW({...state, gradient, gradientScale}, {learningRate: 1e-3, step});
    once(1);
    const [tensors, ids] = [memory().numTensors, data()];
    for (let i = 2; i <= 1001; i++) once(i);
    expect([memory().numTensors, data()]).to.deep.equal([tensors, ids]);
    expect(state.parameter.dataSync()[0]).to.be.closeTo(-1.001, 1e-3);
    for (const one of [...Object.values(state), gradient, gradientScale]) one.dispose();
  });
});
