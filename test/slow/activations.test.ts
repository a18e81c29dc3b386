// Training with activations in 16 bits ends where training in float32 does.

import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import type {ActivationFormat} from '../../train/activation-formats.js';
import {trained} from '../support/training-laws.js';

/** Mean loss of the last steps, in nats an answer. */
async function finalLoss(seed: number, activations: ActivationFormat): Promise<number> {
  const {events} = await trained({steps: 400, batch: 16, rate: 5e-3, seed, activations});
  const last = events.slice(-40);
  return last.reduce((sum, {loss}) => sum + loss, 0) / last.length;
}

describe('training with activations in 16 bits', function () {
  this.timeout(3_600_000);
  before(() => useBackend('wasm'));

  for (const seed of [1, 2, 3])
    it(`comes to the loss of float32 on MQAR, seed ${seed}`, async () => {
      const whole = await finalLoss(seed, 'float32');
      expect(whole, 'nothing was learned').to.be.below(Math.log(32) - 0.3);
      for (const format of ['float16', 'bfloat16'] as const)
        expect(await finalLoss(seed, format), format).to.be.closeTo(whole, 0.01);
    });
});
