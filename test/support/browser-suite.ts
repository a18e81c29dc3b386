// The GPU suite in headless Chromium, as one mocha test for each of its checks.

import {fileURLToPath} from 'node:url';
import {expect} from 'chai';
import type {PageReport} from '../browser/page.js';
import {chromiumOrSkip, withPage} from './browser.js';
import type {Extent} from './gpu-suite.js';
import {gpuChecks} from './gpu-suite.js';

const entry = fileURLToPath(new URL('../browser/page.js', import.meta.url));

export function browserTests(extent: Extent): void {
  let report: PageReport | undefined;
  const complaints: string[] = [];
  before(async function () {
    this.timeout(2_700_000); // every line of every kernel on a software device, beside other tests
    const path = chromiumOrSkip(this);
    report = await withPage(path, entry, page => {
      page.on('console', message => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      return page.evaluate(one => window.runGpuSuite(one), extent);
    });
  });

  it('ran every check on a WebGPU device', () => {
    expect(report?.device).to.match(/\w/);
    expect(report?.results.map(({name}) => name)).to.deep.equal(gpuChecks(extent).map(({name}) => name));
  });

  it('without a complaint of the device', () => {
    expect(complaints).to.deep.equal([]);
  });

  for (const {name} of gpuChecks(extent)) {
    it(name, () => {
      const result = report?.results.find(one => one.name === name);
      expect(result, 'was not run').not.to.equal(undefined);
      if (result?.error !== undefined) expect.fail(result.error);
    });
  }
}
