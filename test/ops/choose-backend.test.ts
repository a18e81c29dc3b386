// The default backend: the first candidate that serves, with the reasons in one line.

import {expect} from 'chai';
import type {BackendCandidate} from '../../custom-ops/backends/choose.js';
import {backendCandidates} from '../../custom-ops/backends/choose.js';
import {ArgumentError, backendNames, chooseBackend, useBackend} from '../../custom-ops/index.js';

const gpu = (serves: boolean, found: string): BackendCandidate => ({
  backend: 'webgpu',
  probe: async () => ({serves, found}),
});
const tensorflow = (serves: boolean, found: string): BackendCandidate => ({
  backend: 'tensorflow',
  probe: async () => ({serves, found}),
});
const wasm: BackendCandidate = {backend: 'wasm', probe: async () => ({serves: true, found: 'on the CPU'})};

async function errorOf(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.catch(error => error);
  expect(outcome).to.be.instanceOf(Error);
  return outcome as Error;
}

describe('the default backend', () => {
  it('is a GPU where there is one', async () => {
    expect(await chooseBackend([gpu(true, 'Card 7'), wasm])).to.deep.equal({
      backend: 'webgpu',
      reason: 'Card 7',
    });
  });

  it('says why it is not a faster one', async () => {
    expect(await chooseBackend([gpu(false, 'SwiftShader computes on the CPU'), wasm])).to.deep.equal({
      backend: 'wasm',
      reason: 'on the CPU; no webgpu: SwiftShader computes on the CPU',
    });
  });

  it('is TensorFlow where there is no GPU and it is set up', async () => {
    expect(await chooseBackend([gpu(false, 'none'), tensorflow(true, '2 threads'), wasm])).to.deep.equal({
      backend: 'tensorflow',
      reason: '2 threads; no webgpu: none',
    });
    expect(await chooseBackend([gpu(false, 'none'), tensorflow(false, 'not set up'), wasm])).to.deep.equal({
      backend: 'wasm',
      reason: 'on the CPU; no webgpu: none; no tensorflow: not set up',
    });
  });

  it('finds TensorFlow exactly where it starts', async () => {
    const {probe} = backendCandidates.find(({backend}) => backend === 'tensorflow') as BackendCandidate;
    const {serves, found} = await probe();
    const starts = await useBackend('tensorflow').then(
      () => true,
      () => false,
    );
    expect(serves, found).to.equal(starts);
    expect(found).to.match(
      serves ? /^TensorFlow with C\+\+ kernels on \d+ threads$/ : /^(not set up|needs|does not)/,
    );
  });

  it('is an error where nothing serves', async () => {
    const error = await errorOf(chooseBackend([gpu(false, 'no driver')]));
    expect(error.message).to.equal('bmojo: no backend works here; no webgpu: no driver');
  });

  it('is never plain JavaScript', async () => {
    expect(backendCandidates.map(({backend}) => backend)).to.deep.equal(['webgpu', 'tensorflow', 'wasm']);
    const chosen = await useBackend();
    expect(chosen).to.be.oneOf(backendNames.filter(name => name !== 'cpu'));
  });

  it('an unknown name is refused with the names there are', async () => {
    const error = await errorOf(useBackend('gpu' as 'auto'));
    expect(error).to.be.instanceOf(ArgumentError);
    expect(error.message).to.match(/^useBackend: name must be one of auto, cpu, wasm, .*got "gpu"$/);
  });
});
