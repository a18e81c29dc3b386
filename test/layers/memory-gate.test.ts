// Gates between the window and the other memories: closed, the layer is its window alone, bit for bit; open, a part of the way
// to the softmax over all.

import type {Rank, Tensor, Tensor3D, Variable} from '@tensorflow/tfjs-core';
import {add, concat, dispose, fill, grad, mul, slice, sum, tidy, variableGrads} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {BMojoMixerArgs} from '../../layers/index.js';
import {BMojoMixer, disposeState} from '../../layers/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {expectClose} from '../support/error.js';
import {normal3d} from '../support/tensors.js';
import {opened} from './mixers.js';

const [BATCH, LENGTH, WIDTH] = [2, 29, 16];
const shared = {heads: 4, kvHeads: 2, window: 6, qkNormEpsilon: 1e-6, rotaryBase: 500} as const;
const memories: Readonly<Record<string, BMojoMixerArgs>> = {
  'fading tokens and slots': {...shared, stateSize: 4, eideticSlots: 5},
  'fading tokens of chunks': {...shared, stateSize: 4, fading: 'chunk', fadingTokens: 3, eideticSlots: 0},
  'slots over Mamba-2, untied': {
    ...shared,
    ssmKind: 'mamba2',
    stateSize: 4,
    eideticSlots: 4,
    tieFading: false,
  },
  storage: {...shared, ssm: false, fading: 'none', eideticSlots: 0, storage: 3},
};

/** A built layer with the weights of another one that it has too. */
function withWeightsOf(other: BMojoMixer, args: BMojoMixerArgs, x: Tensor3D): BMojoMixer {
  const layer = new BMojoMixer(args);
  layer.apply(x);
  const own = (name: string): string => name.split('/')[1];
  for (const weight of layer.trainableWeights) {
    const found = other.trainableWeights.find(one => own(one.originalName) === own(weight.originalName));
    if (found !== undefined) weight.write(found.read());
  }
  return layer;
}

const windowAlone = {...shared, ssm: false, fading: 'none', eideticSlots: 0} as const;

function stepped(layer: BMojoMixer, x: Tensor3D): Tensor3D {
  let state = layer.initialState(BATCH);
  const rows: Tensor3D[] = [];
  for (let position = 0; position < LENGTH; position++) {
    const token = slice<Rank.R3, Tensor3D>(x, [0, position, 0], [BATCH, 1, WIDTH]);
    const {y, state: next} = layer.step(token, state, {position});
    disposeState(state);
    state = next;
    rows.push(y);
  }
  disposeState(state);
  return concat(rows, 1);
}

for (const backend of readableBackends) {
  describe(`memory gates on ${backend}`, () => {
    before(async function () {
      await useReadableBackend(this, backend);
    });

    for (const [name, args] of Object.entries(memories)) {
      it(`${name}, closed: the window alone, bit for bit, whole and step by step; the gates learn`, () => {
        tidy(() => {
          const x = normal3d([BATCH, LENGTH, WIDTH], 4);
          const gated = new BMojoMixer({...args, memoryGate: true});
          const y = gated.apply(x) as Tensor3D;
          const alone = withWeightsOf(gated, windowAlone, x);
          expect([...y.dataSync()]).to.deep.equal([...(alone.apply(x) as Tensor).dataSync()]);
          expect([...stepped(gated, x).dataSync()]).to.deep.equal([...stepped(alone, x).dataSync()]);
          const weights = gated.trainableWeights.map(weight => weight.read() as Variable);
          const {grads, value} = variableGrads(
            () => tidy(() => sum(mul(gated.apply(x) as Tensor, x)).asScalar()),
            weights,
          );
          const gate = gated.trainableWeights.findIndex(one => one.originalName.endsWith('memory_gate'));
          for (const of of grads[weights[gate].name].dataSync()) expect(Math.abs(of)).to.be.above(0);
          dispose([value, grads]);
          gated.dispose();
          alone.dispose();
        });
      });

      it(`${name}, open: so far from the window alone to all memories, in value and gradient`, () => {
        tidy(() => {
          const x = normal3d([BATCH, LENGTH, WIDTH], 5);
          const gated = opened(new BMojoMixer({...args, memoryGate: true}));
          gated.apply(x);
          const alone = withWeightsOf(gated, windowAlone, x);
          const all = withWeightsOf(gated, args, x);
          const part = Math.tanh(0.5);
          const expected = (input: Tensor): Tensor =>
            add(mul(alone.apply(input) as Tensor, 1 - part), mul(all.apply(input) as Tensor, part));
          expectClose((gated.apply(x) as Tensor).dataSync(), expected(x).dataSync(), 1e-5, 'output');
          const slope = (f: (input: Tensor) => Tensor): Tensor =>
            grad((input: Tensor) => sum(mul(f(input), fill([WIDTH], 0.3))))(x);
          expectClose(
            slope(input => gated.apply(input) as Tensor).dataSync(),
            slope(expected).dataSync(),
            1e-4,
            'gradient of x',
          );
          const before = all.analyze(x).shares?.dataSync() ?? [];
          const count = args.storage === undefined ? 3 : 4;
          const behind = Array.from(before, (share, i) => part * share + (i % count === 0 ? 1 - part : 0));
          expectClose(gated.analyze(x).shares?.dataSync() ?? [], behind, 1e-5, 'shares');
          for (const layer of [gated, alone, all]) layer.dispose();
        });
      });
    }

    it('without a memory behind them are refused', () => {
      expect(() => new BMojoMixer({...windowAlone, memoryGate: true})).to.throw(/memoryGate must be false/);
    });
  });
}
