import {tensor, variable} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {AdamWOptimizer} from '../../train/optimizer.js';
import {groupOf} from '../../train/parameter-groups.js';
import {parseTrainSettings} from '../../train/settings.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {expectClose} from '../support/error.js';

describe('parameter groups', () => {
  const options = {ssmRateFactor: 3, gateRateFactor: 20, weightDecay: 0.1};
  const rows: [string, number, number, number][] = [
    ['block_0/q_proj', 2, 1, 0.1],
    ['block_0/ssm.in_proj', 2, 3, 0.1],
    ['block_0/ssm.A_log', 2, 3, 0],
    ['block_0/ssm.D', 1, 3, 0],
    ['block_0/ssm.dt_bias', 1, 3, 0],
    ['block_0/ssm.conv_bias', 1, 3, 0],
    ['block_0/ssm.conv_weight', 2, 3, 0.1],
    ['block_0/memory_gate', 1, 20, 0],
    ['block_0/norm', 1, 1, 0],
    ['final_norm/gain', 1, 1, 0],
    ['embedding/table', 2, 1, 0.1],
  ];
  for (const [name, rank, rateFactor, weightDecay] of rows) {
    it(`${name}: rate x ${rateFactor}, decay ${weightDecay}`, () => {
      expect(groupOf(name, rank, options)).to.deep.equal({rateFactor, weightDecay});
    });
  }
});

for (const backend of readableBackends) {
  describe(`AdamW on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });

    it('equals the published update in float64, clipped by the global norm', () => {
      const settings = parseTrainSettings({clip: 1, weightDecay: 0.2, ssmRateFactor: 3, beta2: 0.9});
      const start = {'a/w': [1, -2, 3, 0.5], 'a/ssm.D': [0.7, -0.3]};
      const shapes = {'a/w': [2, 2], 'a/ssm.D': [2]};
      const gradientsAt = (step: number) => ({
        'a/w': [3, -1, 0.5, 2].map(g => g * step),
        'a/ssm.D': [0.1, 0.4].map(g => g / step),
      });
      const names = ['a/w', 'a/ssm.D'] as const;
      const parameters = names.map(name => ({name, variable: variable(tensor(start[name], shapes[name]))}));
      const optimizer = new AdamWOptimizer(parameters, settings);
      const expected = names.map(name => ({
        x: [...start[name]],
        m: start[name].map(() => 0),
        v: start[name].map(() => 0),
      }));
      for (let step = 1; step <= 3; step++) {
        const gradients = gradientsAt(step);
        const rate = 0.01 * step;
        const norm = Math.hypot(...names.flatMap(name => gradients[name]));
        const named = Object.fromEntries(
          parameters.map(({name, variable: v}) => [
            v.name,
            tensor(gradients[name as 'a/w'], shapes[name as 'a/w']),
          ]),
        );
        const measured = optimizer.apply(named, rate, step);
        expect(measured.dataSync()[0]).to.be.closeTo(norm, 1e-5);
        names.forEach((name, k) => {
          const {x, m, v} = expected[k];
          const own = rate * (name === 'a/ssm.D' ? 3 : 1);
          const decay = name === 'a/w' ? 0.2 : 0;
          gradients[name].forEach((raw, i) => {
            const g = raw * Math.min(1, 1 / norm);
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.9 * v[i] + 0.1 * g * g;
            const update = m[i] / (1 - 0.9 ** step) / (Math.sqrt(v[i] / (1 - 0.9 ** step)) + 1e-8);
            x[i] = x[i] * (1 - own * decay) - own * update;
          });
        });
      }
      parameters.forEach(({name, variable: v}, k) => {
        expectClose(v.dataSync(), expected[k].x, 1e-5, name);
      });
    });
  });
}
