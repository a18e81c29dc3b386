// Memory in storage, killed again and again during updates, and on a disk that is full.

import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {postgresAddress, requirePostgres, withSchema} from '../memory/postgres.js';
import {Expected, updatesIn, written} from '../memory/written.js';

const KILLS = Number(process.env.BMOJO_KILLS ?? 50);
const STREAMS = ['one', 'two'];
/** Longest file of the full disk, in blocks of 512 bytes: from nothing to beyond what is written. */
const MOMENTS = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16];

/** Writes, kills, opens and compares, each time from where the last one came to. */
async function killAgainAndAgain(place: string, kills: number): Promise<number> {
  const expected = new Map(STREAMS.map(stream => [stream, new Expected(stream)]));
  let from = 0;
  let landed = 0;
  for (let kill = 0; kill < kills; kill++) {
    // However slow the machine, some come to more than one update.
    const moment = {acknowledged: 1 + (kill % 4), milliseconds: (kill * 37) % 211};
    const {acknowledged, err} = await written({place, streams: STREAMS, from, kill: moment});
    expect(err).to.equal('');
    const found = await updatesIn(place, expected, acknowledged);
    landed += Math.max(...found.values()) - from;
    // The streams go on together: the one that is behind catches up.
    from = Math.max(...found.values());
    for (const [stream, updates] of found)
      if (updates < from) await written({place, streams: [stream], from: updates, end: from});
  }
  return landed;
}

describe('memory, killed', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-memory-kills-'));
  });
  afterEach(() => rmSync(folder, {recursive: true, force: true}));

  it(`a folder, ${KILLS} times: every acknowledged update is there, none in part`, async () => {
    expect(await killAgainAndAgain(join(folder, 'memory'), KILLS)).to.be.above(KILLS);
  });

  it(`PGlite, ${Math.ceil(KILLS / 5)} times`, async () => {
    const place = `pglite:${join(folder, 'memory')}`;
    expect(await killAgainAndAgain(place, Math.ceil(KILLS / 5))).to.be.above(KILLS / 5);
  });

  describe('PostgreSQL', () => {
    requirePostgres();
    const address = postgresAddress;
    if (address === undefined) return;
    it(`its client, ${KILLS} times`, async () => {
      const {place, remove} = await withSchema(address);
      expect(await killAgainAndAgain(place, KILLS)).to.be.above(KILLS);
      await remove();
    });
  });

  it(`a disk that is full at ${MOMENTS.length} moments: a typed refusal, and nothing lost`, async function () {
    if (process.platform === 'win32') this.skip();
    let refusals = 0;
    for (const blocks of MOMENTS) {
      const place = join(folder, `full-${blocks}`);
      const streams = ['one'];
      const {acknowledged, refused, err} = await written({place, streams, end: 200, blocks});
      expect(err, `${blocks} blocks`).to.equal('');
      if (refused !== undefined) refusals++;
      expect(refused ?? 'full').to.equal('full');
      const expected = new Map([['one', new Expected('one')]]);
      const found = await updatesIn(place, expected, acknowledged);
      expect(found, 'what was refused is not there').to.deep.equal(acknowledged);
      // And it goes on once there is room.
      const again = await written({place, streams, from: acknowledged.get('one'), end: 200});
      expect([again.err, again.acknowledged.get('one')]).to.deep.equal(['', 200]);
    }
    expect(refusals).to.be.above(MOMENTS.length / 2);
  });
});
