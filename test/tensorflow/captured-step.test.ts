// Replayed steps take the inputs and numbers of each run and leave nothing behind; what cannot be recorded runs op by op and
// says so. That a model trains to the same bits stands in training.test.ts.

import type {Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {
  add,
  backend,
  concat,
  memory,
  mul,
  neg,
  scalar,
  square,
  sum,
  tensor1d,
  variable,
} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {NodeBackend} from '../../custom-ops/backends/tensorflow/node-backend.js';
import type {StepRunner} from '../../custom-ops/index.js';
import {ArgumentError, adamW, createStepRunner, dropout, embeddingLookup} from '../../custom-ops/index.js';
import {useReadableBackend} from '../support/backends.js';
import {expectFurtherKindsTold} from '../support/capture-laws.js';
import {expectReplayedTogether} from '../support/together-laws.js';
import {warnings} from '../support/warnings.js';

type Body = (inputs: readonly Tensor[]) => Tensor[];

/** Tensors that TensorFlow holds for us. */
function nativeTensors(): number {
  return (backend() as unknown as {getNumOfTFTensors(): number}).getNumOfTFTensors();
}

/** The first number of the first result after a step on `values`. */
function outcome(runner: StepRunner, values: number[], body: Body): number {
  const results = runner.run({inputs: [{values: Float32Array.from(values), shape: [values.length]}], body});
  const [first] = results[0].dataSync();
  for (const result of results) result.dispose();
  return first;
}

const outcomes = (runner: StepRunner, given: readonly number[], body: Body): number[] =>
  given.map(value => outcome(runner, [value], body));

describe('captured steps on tensorflow', () => {
  before(function () {
    return useReadableBackend(this, 'tensorflow');
  });

  it('of further kinds go op by op, said once', expectFurtherKindsTold);

  it('replay from the fourth run on, with the inputs and numbers of each run, and leave nothing behind', async () => {
    const runner = await createStepRunner();
    const parameter = variable(tensor1d([1, 2]));
    const moments = [variable(tensor1d([0, 0])), variable(tensor1d([0, 0]))];
    let expected = 1;
    let before: unknown;
    const left = (): unknown => [nativeTensors(), memory().numTensors, memory().numDataBuffers];
    for (let step = 1; step <= 9; step++) {
      const options = {learningRate: 0.1 * step, step, beta1: 0, beta2: 0, epsilon: 1e-12, weightDecay: 0};
      const [result] = runner.run({
        inputs: [{values: Float32Array.of(step, -step), shape: [2]}],
        varying: {adamW: [options]},
        body: ([gradient]) => {
          square(gradient); // nobody wants it
          adamW({parameter, gradient, firstMoment: moments[0], secondMoment: moments[1]}, options);
          return [neg(neg(parameter))];
        },
      });
      expected -= 0.1 * step; // without means, each step is the rate times the sign of the gradient
      const [found] = result.dataSync();
      expect(found, `step ${step}`).to.be.closeTo(expected, 1e-5);
      expect(parameter.dataSync()[0]).to.equal(found);
      result.dispose();
      if (step === 4) before = left();
      if (step > 4) expect(left(), `step ${step}`).to.deep.equal(before);
    }
    expect(runner.replays).to.equal(6);
    runner.dispose();
    for (const one of [parameter, ...moments]) one.dispose();
  });

  it('replay calls together with the numbers of each run, a set for each call', async () => {
    const runner = await createStepRunner();
    await expectReplayedTogether(runner);
    runner.dispose();
  });

  it('are recorded anew when weights have moved, and for other shapes', async () => {
    const runner = await createStepRunner();
    const weight = variable(scalar(2));
    const body: Body = ([x]) => [sum(mul(x, weight))];
    expect(outcomes(runner, [1, 2, 3, 4], body)).to.deep.equal([2, 4, 6, 8]);
    expect(runner.replays).to.equal(1);
    const moved = scalar(10);
    weight.assign(moved);
    moved.dispose();
    expect(outcomes(runner, [1, 2, 3, 4], body)).to.deep.equal([10, 20, 30, 40]);
    expect([1, 2, 3, 4].map(value => outcome(runner, [value, value], body))).to.deep.equal([20, 40, 60, 80]);
    expect(runner.replays).to.equal(3);
    runner.dispose();
    weight.dispose();
  });

  it('take tensors that differ from run to run, and constants of the step', async () => {
    const runner = await createStepRunner();
    let memoryOf: Tensor = tensor1d([0]);
    for (let run = 1; run <= 6; run++) {
      const [next, large] = runner.run({
        inputs: [{values: Float32Array.of(run), shape: [1]}],
        tensors: [memoryOf],
        body: ([x], [held]) => [add(x, held), concat([x, tensor1d([7])])],
      });
      expect([...large.dataSync()]).to.deep.equal([run, 7]);
      memoryOf.dispose();
      large.dispose();
      memoryOf = next;
      expect(memoryOf.dataSync()[0]).to.equal((run * (run + 1)) / 2);
    }
    expect(runner.replays).to.equal(3);
    memoryOf.dispose();
    runner.dispose();
  });

  it('refuse bad input as other runs do, and go on', async () => {
    const runner = await createStepRunner();
    const table = variable(tensor1d([1, 2, 3, 4]).reshape([2, 2]));
    const lookUp = (id: number): number => {
      const [result] = runner.run({
        inputs: [{values: Int32Array.of(id), shape: [1, 1]}],
        body: ([ids]) => [neg(neg(embeddingLookup(table as unknown as Tensor2D, ids as Tensor2D)))],
      });
      const [first] = result.dataSync();
      result.dispose();
      return first;
    };
    expect([0, 1, 0, 1, 0].map(lookUp)).to.deep.equal([1, 3, 1, 3, 1]);
    const before = nativeTensors();
    expect(() => lookUp(2)).to.throw(
      ArgumentError,
      /embeddingLookup: ids must be integers in \[0, 1\], got 2/,
    );
    expect(nativeTensors()).to.equal(before);
    expect(lookUp(1)).to.equal(3);
    expect(runner.replays).to.equal(3);
    runner.dispose();
    table.dispose();
  });

  const refused: readonly [what: string, said: RegExp, make: () => Body, expected: number[]][] = [
    [
      'whose values from the host change undeclared',
      /numbers change from run to run/,
      () => {
        let run = 0;
        return ([x]) => [add<Scalar>(sum(x), scalar(run++))];
      },
      [1, 2, 3, 4, 5],
    ],
    [
      'whose operations change',
      /operations, .* change from run to run/,
      () => {
        let run = 0;
        return ([x]) => [run++ % 2 === 0 ? sum(add(x, x)) : sum(x)];
      },
      [2, 1, 2, 1, 2],
    ],
    [
      'that read values back',
      /reads values back/,
      () =>
        ([x]) => {
          x.square().dataSync();
          return [sum(x)];
        },
      [1, 1, 1, 1, 1],
    ],
    [
      'that return what they took',
      /returns a tensor that it did not compute/,
      () =>
        ([x]) => [x.clone()],
      [1, 1, 1, 1, 1],
    ],
  ];
  for (const [what, said, make, expected] of refused) {
    it(`${what} run op by op, and say so once`, async () => {
      const runner = await createStepRunner();
      const printed = await warnings(async () => {
        expect(outcomes(runner, [1, 1, 1, 1, 1], make())).to.deep.equal(expected);
      });
      expect(printed).to.have.length(1);
      expect(printed[0]).to.match(said);
      expect(runner.replays).to.equal(0);
      runner.dispose();
    });
  }

  it('that assign a variable run op by op', async () => {
    const runner = await createStepRunner();
    const total = variable(tensor1d([0]));
    const printed = await warnings(async () => {
      const body: Body = ([x]) => {
        total.assign(add(total, x));
        return [neg(neg(total))];
      };
      expect(outcomes(runner, [1, 2, 3, 4, 5], body)).to.deep.equal([1, 3, 6, 10, 15]);
    });
    expect(printed).to.have.length(1);
    expect(printed[0]).to.include('assigns a variable');
    runner.dispose();
    total.dispose();
  });

  it("leave tfjs-node's backend as it was, also after an error", async () => {
    const node = backend() as unknown as NodeBackend;
    const methods = ({binding, executeSingleOutput, executeMultipleOutputs, move}: NodeBackend) => [
      binding,
      executeSingleOutput,
      executeMultipleOutputs,
      move,
    ];
    const before = methods(node);
    const runner = await createStepRunner();
    let run = 0;
    const body: Body = ([x]) => {
      if (++run === 2) throw new Error('on purpose');
      return [sum(x)];
    };
    expect(outcome(runner, [1], body)).to.equal(1);
    expect(() => outcome(runner, [1], body)).to.throw('on purpose');
    expect(outcomes(runner, [1, 2, 3], body)).to.deep.equal([1, 2, 3]);
    methods(node).forEach((method, i) => {
      expect(method).to.equal(before[i]);
    });
    runner.dispose();
  });

  it('draw the masks of their own seeds', async () => {
    const runner = await createStepRunner();
    const masks = new Set<string>();
    for (let seed = 1; seed <= 6; seed++) {
      const [result] = runner.run({
        inputs: [
          {values: new Float32Array(64).fill(1), shape: [1, 1, 64]},
          {values: Int32Array.of(seed, 7), shape: [2]},
        ],
        body: ([x, drawn]) => [dropout({x: x as Tensor3D, seed: drawn as Tensor1D}, {rate: 0.5, stream: 1})],
      });
      masks.add([...result.dataSync()].join());
      result.dispose();
    }
    expect(masks.size).to.equal(6);
    expect(runner.replays).to.equal(3);
    runner.dispose();
  });
});
