// The shares of attention on the three memories against a dense softmax over explicit keys.

import type {Tensor4D} from '@tensorflow/tfjs-core';
import {memory, tensor3d} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {attentionShares} from '../../layers/attention-shares.js';
import {BMojoMixer} from '../../layers/index.js';
import {normal3d} from '../support/tensors.js';

const [B, L, H, G, DH, W, ME] = [2, 23, 4, 2, 6, 5, 3];

/** Stored rows of each chunk, all before the chunk before it; -1 where a slot is empty. */
function storedRows(): number[][][] {
  return Array.from({length: B}, (_, b) =>
    Array.from({length: Math.ceil(L / W)}, (_, chunk) => {
      const candidates = Math.max(0, (chunk - 1) * W);
      return Array.from({length: ME}, (_, slot) =>
        slot < candidates ? (slot * 3 + b) % candidates : -1,
      ).map((row, slot, rows) => (rows.indexOf(row) === slot ? row : -1));
    }),
  );
}

for (const backend of ['cpu', 'wasm'] as const) {
  describe(`attention shares on ${backend}`, () => {
    before(() => useBackend(backend));

    for (const fading of ['none', 'sliding', 'chunk'] as const) {
      it(`equal the parts of a dense softmax, fading ${fading}`, async () => {
        const heads = (count: number, seed: number): Tensor4D =>
          normal3d([B, L, count * DH], seed).reshape([B, L, count, DH]);
        const [q, keys, fadingKeys] = [heads(H, 1), heads(G, 2), heads(G, 3)];
        const rows = storedRows();
        const stored = tensor3d(rows, undefined, 'int32');
        const tensors = memory().numTensors;
        const shares = attentionShares(
          {q, keys, stored, ...(fading === 'none' ? {} : {fadingKeys})},
          {window: W, fading, fadingTokens: 4},
        );
        expect(memory().numTensors).to.equal(tensors + 1);
        const [Q, K, F, S] = await Promise.all([q.array(), keys.array(), fadingKeys.array(), shares.array()]);
        for (let b = 0; b < B; b++)
          for (let t = 0; t < L; t++)
            for (let h = 0; h < H; h++) {
              const group = Math.floor((h * G) / H);
              const weight = (key: number[]): number =>
                Math.exp(key.reduce((sum, value, d) => sum + value * Q[b][t][h][d], 0) / Math.sqrt(DH));
              const chunk = Math.floor(t / W);
              const sums = [0, 0, 0];
              for (let j = 0; j <= t; j++) {
                if (j > t - W) sums[0] += weight(K[b][j][group]);
                const faded =
                  fading === 'sliding'
                    ? j > t - 2 * W && j <= t - W
                    : fading === 'chunk' && j >= chunk * W - 4 && j < chunk * W;
                if (faded) sums[1] += weight(F[b][j][group]);
              }
              for (const row of rows[b][chunk]) if (row >= 0) sums[2] += weight(K[b][row][group]);
              const total = sums[0] + sums[1] + sums[2];
              sums.forEach((sum, i) => {
                expect(S[b][t][h][i]).to.be.closeTo(sum / total, 2e-6);
              });
            }
      });
    }

    it('of a layer sum to one and show every memory that it has', async () => {
      const layer = new BMojoMixer({heads: 2, window: 4, eideticSlots: 6});
      const {shares} = layer.analyze(normal3d([2, 40, 16], 4));
      const values = await shares!.array();
      const late = values[0].slice(20).flat();
      for (const share of values.flat(2)) expect(share[0] + share[1] + share[2]).to.be.closeTo(1, 1e-5);
      for (const i of [0, 1, 2]) expect(Math.min(...late.map(share => share[i]))).to.be.above(0);
      expect(values[0][0][0], 'the first token sees itself alone').to.deep.equal([1, 0, 0]);
    });
  });
}
