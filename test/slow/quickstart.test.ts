// What the quickstart promises: recall beyond the windows, where a window-only model guesses.

import {existsSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {reportQuickstart, trainQuickstart} from '../../experiments/quickstart.js';

describe('quickstart', () => {
  it("B'MOJO recalls what lies beyond the windows, a window-only model does not", async () => {
    const out = mkdtempSync(join(tmpdir(), 'bmojo-quickstart-'));
    const options = {out, backend: 'wasm', jobs: 2};
    for await (const {event} of trainQuickstart(options)) expect(event.type).to.not.equal('stopped');
    const {rows} = await reportQuickstart(options);
    const [bmojo, windowOnly] = rows.map(row => row.report);
    expect(bmojo.beyondReach?.queries).to.be.above(2000);
    expect(bmojo.accuracy).to.be.at.least(0.95);
    expect(bmojo.beyondReach?.accuracy).to.be.at.least(0.95);
    // Chance is 1/32; four standard deviations of the measured share on top.
    const queries = windowOnly.beyondReach?.queries ?? 0;
    expect(windowOnly.beyondReach?.accuracy).to.be.at.most(1 / 32 + 4 * Math.sqrt(1 / 32 / queries) + 0.01);
    for (const file of ['curve.svg', 'result.md', 'bmojo/model/model.json'])
      expect(existsSync(join(out, file))).to.equal(true);
    rmSync(out, {recursive: true});
  });
});
