// Backends come when they are asked for, each in a process of its own: what an import brings, and what tf's own calls bring.

import {execFile} from 'node:child_process';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {expect} from 'chai';

const root = join(import.meta.dirname, '../../..');
const ops = import.meta.resolve('bmojo/ops');

/** What a module prints as JSON, and what it says beside. */
async function runModule(code: string): Promise<{result: unknown; said: string}> {
  const args = ['--input-type=module', '--eval', code];
  const {stdout, stderr} = await promisify(execFile)(process.execPath, args, {cwd: root});
  return {result: JSON.parse(stdout.trim().split('\n').at(-1) ?? ''), said: stderr};
}

const tf = `import * as tf from '@tensorflow/tfjs-core';`;
const bmojo = `import {hasKernel, linear, useBackend} from '${ops}';`;
const kernelsOn = (backend: string) =>
  `tf.getKernelsForBackend('${backend}').filter(({kernelName}) => kernelName.startsWith('BMojo')).length`;
const product = `linear(tf.ones([1, 2, 3]), tf.ones([3, 2])).dataSync()[0]`;

describe('backends on demand', function () {
  this.timeout(300_000);

  it('an import starts none and brings neither wasm, webgpu nor tensorflow', async () => {
    const {result} = await runModule(`${tf}${bmojo}
      console.log(JSON.stringify({names: tf.engine().backendNames(), current: tf.engine().backendName ?? null,
        kernels: ['cpu', 'wasm', 'webgpu', 'tensorflow'].map(name => tf.getKernelsForBackend(name)
          .filter(({kernelName}) => kernelName.startsWith('BMojo')).length)}));`);
    expect(result).to.deep.equal({names: ['cpu'], current: null, kernels: [0, 0, 0, 0]}); // cpu: tf's own package in Node
  });

  for (const [how, start] of [
    ['tf.setBackend', `import '@tensorflow/tfjs-backend-wasm'; ${bmojo} await tf.setBackend('wasm');`],
    [
      'tf.setBackend, bmojo imported first',
      `${bmojo} import '@tensorflow/tfjs-backend-wasm'; await tf.setBackend('wasm');`,
    ],
    ['tf.ready', `import '@tensorflow/tfjs-backend-wasm'; ${bmojo} await tf.ready();`],
    ['useBackend', `${bmojo} await useBackend('wasm'); await useBackend('wasm');`],
  ]) {
    it(`${how} brings our kernels for wasm, once, and clones that share memory`, async () => {
      const {result, said} = await runModule(`${tf}${start}
        const x = tf.ones([2]);
        console.log(JSON.stringify({backend: tf.getBackend(), has: hasKernel({name: 'linear'}), product: ${product},
          shares: x.clone().dataId === x.dataId}));`);
      expect(result).to.deep.equal({backend: 'wasm', has: true, product: 3, shares: true});
      expect(said).not.to.match(/already registered|composed/);
    });
  }

  it('useBackend of cpu says nothing of other packages', async () => {
    const {said} = await runModule(`${tf}${bmojo} await useBackend('cpu'); console.log(${product});`);
    expect(said).to.equal('');
  });

  it('tf.setBackend brings our kernels for cpu at once, of those ops that are called', async () => {
    const {result} = await runModule(`${tf} ${bmojo}
      tf.setBackend('cpu');
      const value = ${product};
      console.log(JSON.stringify({has: hasKernel({name: 'linear'}), value, kernels: ${kernelsOn('cpu')}}));`);
    expect(result).to.deep.equal({has: true, value: 3, kernels: 2});
  });

  it('bmojo loaded after wasm has started brings the kernels too', async () => {
    const {result} = await runModule(`${tf} import '@tensorflow/tfjs-backend-wasm';
      await tf.setBackend('wasm');
      const {hasKernel, useBackend} = await import('${ops}');
      await useBackend('wasm');
      console.log(JSON.stringify(hasKernel({name: 'linear'})));`);
    expect(result).to.equal(true);
  });

  it('tells of a second copy, from where, and what to do', async () => {
    const {result, said} = await runModule(`${tf} ${bmojo}
      await import('${ops}'); // the same copy
      console.log(JSON.stringify(1));`);
    expect({result, said}).to.deep.equal({result: 1, said: ''});
    const twice = await runModule(`${bmojo}
      await import('${ops.replace('index.js', 'one-copy.js')}?second');
      console.log(JSON.stringify(1));`);
    expect(twice.said).to.match(
      /bmojo: two copies are loaded, from file:.*one-copy\.js and from file:.*\?second/,
    );
    expect(twice.said).to.include('npm dedupe');
  });

  it('tells of a second copy of TensorFlow.js, and of another version', async () => {
    const {said} = await runModule(`import {createRequire} from 'node:module';
      const require = createRequire(import.meta.url);
      const file = require.resolve('@tensorflow/tfjs-core');
      require(file);
      delete require.cache[file];
      require(file).version_core = '4.21.0';
      await import('${ops}');
      console.log(JSON.stringify(1));`);
    expect(said).to.match(/bmojo: TensorFlow\.js is 4\.21\.0 and must be 4\.22\.0/);
    expect(said).to.match(/bmojo: two copies of TensorFlow\.js are loaded.*npm ls @tensorflow\/tfjs-core/);
  });
});
