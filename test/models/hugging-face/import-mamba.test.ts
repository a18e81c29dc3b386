// A Mamba checkpoint of another library gives the same logits and the same greedy continuation here.

import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {useBackend} from '../../../custom-ops/index.js';
import {decodeSafetensors, encodeSafetensors} from '../../../formats/safetensors.js';
import {disposeModelState, importMamba, LanguageModel} from '../../../models/index.js';
import {readableBackends, useReadableBackend} from '../../support/backends.js';
import {expectClose} from '../../support/error.js';

const folder = join(import.meta.dirname, '../../../../test/golden/hf-mamba-tiny');
const config: object = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
const weights = readFileSync(join(folder, 'model.safetensors'));
const expected = new Map(
  decodeSafetensors(readFileSync(join(folder, 'expected.safetensors'))).tensors.map(tensor => [
    tensor.name,
    tensor,
  ]),
);

function vector(name: string): {data: ArrayLike<number>; shape: readonly number[]} {
  const found = expected.get(name);
  if (found === undefined) throw new Error(`no ${name} among the vectors`);
  return found;
}

function ids(values: readonly number[]): tf.Tensor2D {
  return tf.tensor2d([...values], [1, values.length], 'int32');
}

function best(logits: tf.Tensor): number {
  return tf.tidy(
    () =>
      logits
        .reshape([-1, logits.shape[logits.rank - 1] as number])
        .argMax(1)
        .dataSync()
        .at(-1) ?? -1,
  );
}

for (const backend of readableBackends) {
  describe(`importMamba on ${backend}`, () => {
    let language: LanguageModel;
    const made: LanguageModel[] = []; // none where the backend is missing: after runs all the same
    before(async function () {
      await useReadableBackend(this, backend);
      language = new LanguageModel(importMamba(config, weights));
      made.push(language);
    });
    after(() => {
      for (const {model} of made) model.dispose();
    });

    it('logits', () => {
      const {data, shape} = vector('input_ids');
      const logits = vector('logits');
      tf.tidy(() => {
        const tokens = tf.tensor2d(Array.from(data), [shape[0], shape[1]], 'int32');
        const ours = language.model.predict(tokens) as tf.Tensor;
        expect(ours.shape).to.deep.equal([...logits.shape]);
        expectClose(ours.dataSync(), logits.data, 1e-4, 'logits');
      });
    });

    it('greedy continuation, whole sequence each time', () => {
      const generated = Array.from(vector('generated').data);
      const tokens = generated.slice(0, 7);
      while (tokens.length < generated.length) {
        tokens.push(tf.tidy(() => best(language.model.predict(ids(tokens)) as tf.Tensor)));
      }
      expect(tokens).to.deep.equal(generated);
    });

    it('greedy continuation, token by token', () => {
      const generated = Array.from(vector('generated').data);
      const tokens = generated.slice(0, 7);
      let next = tokens;
      let state = language.initialState(1);
      while (tokens.length < generated.length) {
        const result = tf.tidy(() => {
          const {logits, state: after} = language.step(ids(next), state);
          return {token: best(logits), after};
        });
        disposeModelState(state);
        state = result.after;
        tokens.push(result.token);
        next = [result.token];
      }
      disposeModelState(state);
      expect(tokens).to.deep.equal(generated);
    });
  });
}

describe('importMamba refuses', () => {
  before(() => useBackend('cpu'));
  const {tensors, metadata} = decodeSafetensors(weights);
  const encode = (list: typeof tensors): Uint8Array => encodeSafetensors(list, Object.fromEntries(metadata));

  it('settings that our model does not have', () => {
    expect(() => importMamba({...config, hidden_act: 'gelu'}, weights)).to.throw(
      /hidden_act must be "silu" or "swish", got "gelu"/,
    );
    expect(() => importMamba({...config, use_bias: 1}, weights)).to.throw(
      /use_bias must be true or false, got 1/,
    );
    expect(() => importMamba({...config, state_size: 0}, weights)).to.throw(
      /state_size must be a positive integer/,
    );
    expect(() => importMamba({...config, model_type: 'gpt2'}, weights)).to.throw(
      /model_type must be one of mamba,/,
    );
  });

  it('a missing, a misshapen and an unexpected tensor, leaving nothing behind', () => {
    const before = tf.memory().numTensors;
    expect(() => importMamba(config, encode(tensors.slice(1)))).to.throw(/must be a tensor \[.*got nothing/);
    expect(() => importMamba({...config, state_size: 4}, weights)).to.throw(/must be a tensor/);
    const extra = {...tensors[0], name: 'backbone.layers.9.norm.weight'};
    expect(() => importMamba(config, encode([...tensors, extra]))).to.throw(
      /without tensors that mamba does not have.*layers\.9/,
    );
    expect(tf.memory().numTensors).to.equal(before);
  });
});
