// Several processes on one PostgreSQL: what one remembers the others recall, and 32 streams at once see nothing of each other.

import {expect} from 'chai';
import type {MemoryHits} from '../../memory/store.js';
import {postgresAddress, requirePostgres, withSchema} from './postgres.js';
import {contents, expectedHits, queryOf} from './rows.js';
import {openWriterPlace, WRITER_QUOTA, writerFormat} from './writer.js';
import {Expected, written} from './written.js';

const UPDATES = 20;

describe('one PostgreSQL, several processes', () => {
  requirePostgres();
  const address = postgresAddress;
  if (address === undefined) return;

  it('32 streams of four writers, read by a fifth process while they write', async () => {
    const {place, remove} = await withSchema(address);
    const writers = Array.from({length: 4}, (_, w) =>
      Array.from({length: 8}, (__, s) => `writer-${w}-stream-${s}`),
    );
    const reader = await openWriterPlace(place);
    try {
      const work = writers.map(streams => written({place, streams, end: UPDATES}));
      let isWriting = true;
      const done = Promise.all(work).finally(() => {
        isWriting = false;
      });
      // Whatever is seen meanwhile is the memory after some update, whole.
      const watched = new Expected(writers[2][3]);
      const query = {...queryOf(writerFormat, {stream: writers[2][3], layer: 0, count: WRITER_QUOTA, n: 1})};
      const states: MemoryHits[] = [];
      for (let updates = 0; updates <= UPDATES; updates++)
        states.push(expectedHits(writerFormat, await watched.rows(updates), query));
      let seen = 0;
      while (isWriting) {
        const hits = await reader.search(query);
        const at = states.findIndex(state => state.positions.join() === hits.positions.join());
        expect(at, 'an update seen in part, or a row of another stream').to.be.at.least(seen);
        expect(hits).to.deep.equal(states[at]);
        seen = at;
      }
      for (const {err, acknowledged} of await done) {
        expect(err).to.equal('');
        expect(new Set(acknowledged.values())).to.deep.equal(new Set([UPDATES]));
      }
      const parts = await contents(reader);
      expect(parts).to.have.length(32);
      for (const part of parts) expect([part]).to.deep.equal(await new Expected(part.stream).rows(UPDATES));
      // What one process forgets is gone for the others, and a stream can begin anew.
      const other = await openWriterPlace(place);
      await reader.search(query);
      await other.forget({streams: [query.stream]});
      expect(await reader.search(query)).to.deep.equal(expectedHits(writerFormat, [], query));
      await written({place, streams: [query.stream], end: 2});
      expect(await reader.search(query)).to.deep.equal(
        expectedHits(writerFormat, await watched.rows(2), query),
      );
      await other.close();
    } finally {
      await reader.close();
      await remove();
    }
  });
});
