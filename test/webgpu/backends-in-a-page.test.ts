// Backends in Chromium as applications use them: each case in a page of its own.

import {fileURLToPath} from 'node:url';
import {expect} from 'chai';
import type {CaseName} from '../browser/backends-page.js';
import {chromiumOrSkip, withPage} from '../support/browser.js';

const entry = fileURLToPath(new URL('../browser/backends-page.js', import.meta.url));

interface Outcome {
  readonly result: unknown;
  /** Warnings and errors of bmojo on the console. */
  readonly said: readonly string[];
}

describe('backends in a page', function () {
  this.timeout(300_000);
  const outcomes = new Map<string, Outcome>();
  before(async function () {
    this.timeout(300_000);
    await withPage(chromiumOrSkip(this), entry, async page => {
      let said: string[] = [];
      page.on('console', message => {
        if (message.text().startsWith('bmojo:')) said.push(message.text());
      });
      const run = async (name: CaseName, label: string = name): Promise<void> => {
        await page.reload();
        said = [];
        const result = await page
          .evaluate(one => window.runBackendCase(one), name)
          .catch(error => String(error.message));
        outcomes.set(label, {result, said: [...said]});
      };
      await run('ownDevice');
      await run('lost');
      await page.route('**/nowhere/**', route => route.fulfill({status: 404, body: 'no such file'}));
      await run('missingWasm');
      await page.route('**/nowhere/**', route =>
        route.fulfill({status: 200, contentType: 'text/html', body: '<!doctype html>'}),
      );
      await run('missingWasm', 'pageForWasm');
      await run('wasm');
      await run('cpuByDefault');
    });
  });
  const outcome = (name: string): Outcome => outcomes.get(name) ?? {result: 'was not run', said: []};

  it('keep the device and the tensors of an application that has used tf’s own webgpu', () => {
    const {result, said} = outcome('ownDevice');
    expect(result).to.deep.equal({
      isSame: true,
      values: [
        [1, 2, 3],
        [2, 4, 6],
        [3, 3, 3, 3],
        [3, 3, 3, 3],
      ],
      last: [41, 43, 45],
      kernels: true,
    });
    expect(said).to.have.lengthOf(1);
    expect(said[0]).to.match(
      /^bmojo: no operator has a kernel on backend 'webgpu'.*`await useBackend\('webgpu'\)`/,
    );
  });

  it('tell once of a lost device, keep their kernels and start anew', () => {
    const {result, said} = outcome('lost');
    expect(result).to.deep.equal({values: [3, 3, 3, 3], kernels: true});
    expect(said).to.have.lengthOf(1);
    expect(said[0]).to.match(/^bmojo: the GPU device was lost \(.+\).*call useBackend again/);
  });

  for (const label of ['missingWasm', 'pageForWasm']) {
    it(`name a .wasm file that did not come (${label}), and wasmPaths`, () => {
      expect(outcome(label).result).to.match(
        /^BackendError: .*\/nowhere\/tfjs-backend-wasm-simd\.wasm is missing.*\{wasmPaths\}/,
      );
      expect(outcome(label).result).not.to.match(/npm|doctor|command/);
    });
  }

  it('take turns when they are asked for at once, wasm from where wasmPaths says', () => {
    const {result} = outcome('wasm') as {result: {files: string[]}};
    expect(result).to.deep.include({
      names: ['wasm', 'wasm', 'cpu', 'wasm'],
      backend: 'wasm',
      y: [3, 3, 3, 3],
    });
    expect(result.files.filter(path => path.endsWith('.wasm'))).to.deep.equal([
      '/elsewhere/tfjs-backend-wasm-simd.wasm',
    ]);
  });

  it('say that tf fell back to plain JavaScript', () => {
    const {result, said} = outcome('cpuByDefault');
    expect(result).to.deep.equal([3, 3, 3, 3]);
    expect(said).to.have.lengthOf(1);
    expect(said[0]).to.match(/^bmojo: no backend was chosen.*fell back to cpu/);
  });
});
