// bmojo/train in a page of Chromium: the loop runs there on wasm and webgpu, with the losses that Node has.

import {fileURLToPath} from 'node:url';
import {expect} from 'chai';
import {chromiumOrSkip, withPage} from '../support/browser.js';
import type {ShortTraining} from '../support/short-training.js';
import {shortTraining} from '../support/short-training.js';

const entry = fileURLToPath(new URL('../browser/training-page.js', import.meta.url));
const backends = ['wasm', 'webgpu'] as const;

describe('training in Chromium', () => {
  let expected: ShortTraining;
  const trained = new Map<string, ShortTraining>();
  const complaints: string[] = [];
  before(async function () {
    this.timeout(300_000);
    const path = chromiumOrSkip(this);
    expected = await shortTraining('wasm');
    await withPage(path, entry, async page => {
      page.on('console', message => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      for (const backend of backends)
        trained.set(backend, await page.evaluate(name => window.trainShortly(name), backend));
    });
  });

  for (const backend of backends) {
    it(`on ${backend} has Node's losses`, () => {
      const {losses} = trained.get(backend)!;
      expect(losses).to.have.length(8);
      for (const [i, loss] of losses.entries()) expect(loss).to.be.closeTo(expected.losses[i], 2e-3);
      expect(losses.at(-1)).to.be.below(losses[0] - 0.1);
    });

    it(`on ${backend} tells what happens, and goes on from a checkpoint to the same numbers`, () => {
      const {kinds, losses, resumed} = trained.get(backend)!;
      expect(kinds).to.deep.equal([
        'started',
        'checkpoint',
        'step',
        'checkpoint',
        'step',
        'evaluated',
        'checkpoint',
        'finished',
      ]);
      expect(resumed).to.deep.equal(losses.slice(4));
    });
  }

  it('without a complaint of the page', () => {
    expect(complaints).to.deep.equal([]);
  });
});
