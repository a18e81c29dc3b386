// Replayed steps take the inputs and numbers of each run; what cannot be recorded runs op by op and says so. That a model
// trains to the same bits stands in training.test.ts.

import type {Scalar, Tensor, Tensor3D} from '@tensorflow/tfjs-core';
import {add, mul, neg, reshape, scalar, sum, tensor1d, variable} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {CapturedStep} from '../../custom-ops/backends/webgpu/index.js';
import type {StepRunner} from '../../custom-ops/index.js';
import {adamW, createStepRunner, rmsNorm} from '../../custom-ops/index.js';
import {expectFurtherKindsTold} from '../support/capture-laws.js';
import {warnings} from '../support/warnings.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

/** Runs a step on several inputs; the first number of each result. */
async function outcomes(
  runner: StepRunner,
  given: readonly number[][],
  body: (inputs: readonly Tensor[]) => Tensor[],
): Promise<number[]> {
  const found: number[] = [];
  for (const values of given) {
    const inputs = [{values: Float32Array.from(values), shape: [values.length]}];
    const [result] = runner.run({inputs, body});
    found.push((await result.data())[0]);
    result.dispose();
  }
  return found;
}

const PAIRS = [1, 2, 3, 4].map(value => [value, value]);

describe('captured steps on webgpu', function () {
  this.timeout(300_000);
  before(async function () {
    await useWebGPUOrSkip(this);
  });

  it('replay from the fourth run on, with the inputs and numbers of each run', async () => {
    const runner = await createStepRunner();
    const parameter = variable(tensor1d([1, 2]));
    const moments = [variable(tensor1d([0, 0])), variable(tensor1d([0, 0]))];
    const expected: number[] = [];
    const found: number[] = [];
    let by = 1;
    for (let step = 1; step <= 6; step++) {
      const options = {learningRate: 0.1 * step, step, beta1: 0, beta2: 0, epsilon: 1e-12, weightDecay: 0};
      const [result] = runner.run({
        inputs: [{values: Float32Array.of(step, -step), shape: [2]}],
        varying: {adamW: [options]},
        body: ([gradient]) => {
          adamW({parameter, gradient, firstMoment: moments[0], secondMoment: moments[1]}, options);
          return [neg(neg(parameter))];
        },
      });
      by -= 0.1 * step; // without means, each step is the rate times the sign of the gradient
      expected.push(by);
      found.push((await result.data())[0]);
      result.dispose();
    }
    found.forEach((value, i) => {
      expect(value, `step ${i + 1}`).to.be.closeTo(expected[i], 1e-5);
    });
    expect((await parameter.data())[0]).to.equal(found[5]);
    expect(runner.replays).to.equal(3);
    runner.dispose();
    for (const one of [parameter, ...moments]) one.dispose();
  });

  it('replay with or without time between to encode the next', async () => {
    const runner = await createStepRunner();
    const body = ([x]: readonly Tensor[]): Tensor[] => [mul(x, x)];
    const run = (value: number): Tensor =>
      runner.run({inputs: [{values: Float32Array.of(value), shape: [1]}], body})[0];
    const results = [1, 2, 3, 4, 5, 6].map(run); // the last three replay at once
    const encoded = new Promise(resolve => setTimeout(resolve));
    await encoded;
    results.push(run(7), run(8));
    const values = await Promise.all(results.map(async one => (await one.data())[0]));
    expect(values).to.deep.equal([1, 4, 9, 16, 25, 36, 49, 64]);
    expect(runner.replays).to.equal(5);
    for (const one of results) one.dispose();
    runner.dispose();
    await new Promise(resolve => setTimeout(resolve)); // what was to be encoded is not any more
  });

  it('of further kinds go op by op, said once', expectFurtherKindsTold);

  it('are recorded anew when weights have moved, and for other shapes', async () => {
    const runner = await createStepRunner();
    const weight = variable(scalar(2));
    const body = ([x]: readonly Tensor[]): Tensor[] => [sum(mul(x, weight))];
    expect(await outcomes(runner, [[1], [2], [3], [4]], body)).to.deep.equal([2, 4, 6, 8]);
    expect(runner.replays).to.equal(1);
    const moved = scalar(10);
    weight.assign(moved);
    moved.dispose();
    expect(await outcomes(runner, [[1], [2], [3], [4]], body)).to.deep.equal([10, 20, 30, 40]);
    expect(await outcomes(runner, PAIRS, body)).to.deep.equal([20, 40, 60, 80]);
    runner.dispose();
    weight.dispose();
  });

  it("are timed whole and by kernel on the device's clock", async () => {
    const runner = new CapturedStep();
    const gain = variable(tensor1d([1, 2]));
    const body = ([x]: readonly Tensor[]): Tensor[] => {
      const rows: Tensor3D = reshape(mul(mul(x, x), x), [1, 1, 2]);
      return [sum(rmsNorm(rows, gain))];
    };
    expect(await runner.deviceTimes(), 'before anything is captured').to.equal(undefined);
    await outcomes(
      runner,
      [
        [1, 2],
        [1, 2],
        [1, 2],
        [1, 2],
      ],
      body,
    );
    const options = {rounds: 3, warmUpMs: 1, roundMs: 1};
    const whole = await runner.deviceTimes(options);
    const kernels = await runner.kernelTimes(options);
    expect(whole).to.have.length(3);
    expect(
      whole!.every(ms => ms > 0 && ms < 1000),
      String(whole),
    ).to.equal(true);
    expect(kernels!.map(({kernel, dispatches}) => [kernel, dispatches])).to.deep.equal([
      ['Multiply', 2],
      ['BMojoRmsNorm', 1],
      ['Sum', 1],
    ]);
    expect(kernels![1]).to.include({pass: 'rmsNorm'}).and.to.have.deep.property('sizes', ['B1 L1 D2']);
    expect(kernels!.every(({ms}) => ms > 0)).to.equal(true);
    expect(await outcomes(runner, [[1, 2]], body), 'replays go on').to.deep.equal(
      await outcomes(runner, [[1, 2]], body),
    );
    runner.dispose();
    gain.dispose();
  });

  it('that take undeclared values from the host run op by op, and say so once', async () => {
    const runner = await createStepRunner();
    let run = 0;
    const printed = await warnings(async () => {
      const body = ([x]: readonly Tensor[]): Tensor[] => [add<Scalar>(sum(x), scalar(run++))];
      expect(await outcomes(runner, [[1], [1], [1], [1], [1]], body)).to.deep.equal([1, 2, 3, 4, 5]);
    });
    expect(printed).to.have.length(1);
    expect(printed[0]).to.match(/not recorded .* takes a float32 tensor \[\] from the host/);
    expect(runner.replays).to.equal(0);
    runner.dispose();
  });

  it('that assign a variable run op by op, and the variable keeps its memory', async () => {
    const runner = await createStepRunner();
    const total = variable(tensor1d([0, 0]));
    const sums: number[] = [];
    const printed = await warnings(async () => {
      const body = ([x]: readonly Tensor[]): Tensor[] => {
        total.assign(add(total, x));
        return [neg(neg(total))];
      };
      sums.push(...(await outcomes(runner, PAIRS, body)));
    });
    expect(printed.join()).to.contain('it assigns a variable');
    expect(sums).to.deep.equal([1, 3, 6, 10]);
    // Tensors of the same size that would get the variable's memory if it counted as free.
    const others = Array.from({length: 8}, (_, i) => add(tensor1d([i, i]), tensor1d([100, 100])));
    expect([...(await total.data())]).to.deep.equal([10, 10]);
    for (const one of [total, ...others]) one.dispose();
    runner.dispose();
  });

  it('whose numbers change undeclared run op by op', async () => {
    const runner = await createStepRunner();
    const parameter = variable(tensor1d([1]));
    const moments = [variable(tensor1d([0])), variable(tensor1d([0]))];
    let run = 0;
    const printed = await warnings(async () => {
      const body = ([gradient]: readonly Tensor[]): Tensor[] => {
        adamW(
          {parameter, gradient, firstMoment: moments[0], secondMoment: moments[1]},
          {learningRate: 0.1, step: ++run},
        );
        return [neg(parameter)];
      };
      await outcomes(runner, [[1], [1], [1], [1]], body);
    });
    expect(printed).to.have.length(1);
    expect(printed[0]).to.include('numbers change from run to run');
    runner.dispose();
    for (const one of [parameter, ...moments]) one.dispose();
  });

  it('whose operations change run op by op', async () => {
    const runner = await createStepRunner();
    let run = 0;
    const printed = await warnings(async () => {
      const body = ([x]: readonly Tensor[]): Tensor[] => [run++ % 2 === 0 ? sum(x) : sum(mul(x, x))];
      expect(await outcomes(runner, [[2], [2], [2], [2], [2]], body)).to.deep.equal([2, 4, 2, 4, 2]);
    });
    expect(printed).to.have.length(1);
    expect(printed[0]).to.include('change from run to run');
    runner.dispose();
  });
});
