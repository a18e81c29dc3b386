// What holds for recorded steps on every backend that records.

import type {Tensor} from '@tensorflow/tfjs-core';
import {mul} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {createStepRunner} from '../../custom-ops/index.js';
import {warnings} from './warnings.js';

/** Runs of one kind more than are recorded are right, and said once to go op by op. */
export async function expectFurtherKindsTold(): Promise<void> {
  const runner = await createStepRunner({kinds: 1});
  const run = async (kind: string, value: number): Promise<number> => {
    const body = ([x]: readonly Tensor[]): Tensor[] => [mul(x, x)];
    const [result] = runner.run({kind, inputs: [{values: Float32Array.of(value), shape: [1]}], body});
    const [read] = await result.data();
    result.dispose();
    return read;
  };
  const squares: number[] = [];
  const printed = await warnings(async () => {
    for (let value = 1; value <= 5; value++) {
      squares.push(await run('recorded', value), await run('further', -value));
    }
  });
  expect(squares).to.deep.equal([1, 1, 4, 4, 9, 9, 16, 16, 25, 25]);
  expect(runner.replays).to.be.within(1, 2);
  expect(printed).to.have.length(1);
  expect(printed[0]).to.include('its inputs take more than the one shape that are');
  runner.dispose();
}
