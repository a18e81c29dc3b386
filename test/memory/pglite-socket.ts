// PGlite behind a socket, as PostgreSQL's clients speak to a server: pgvector by the way that a server is asked, where no server
// has the extension. All connections share PGlite's one session: one at a time has it, until its transaction has ended.

import {mkdtempSync, rmSync} from 'node:fs';
import type {Socket} from 'node:net';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

/** A PGlite, as far as its messages go. */
export interface PgliteProtocol {
  execProtocolRaw(messages: Uint8Array): Promise<Uint8Array>;
}

const message = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
};
/** Accepted, and ready for a query outside any transaction. */
const WELCOME = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))]);
/** Messages whose answer ends with whether a transaction is open: a query, and the end of several parts of one. */
const ASKS = new Set(['Q', 'S']);
const TERMINATE = 'X';

/** One connection at a time, in the order in which they ask. */
class Turns {
  private last: Promise<void> = Promise.resolve();

  /** Resolved with what ends the turn once all earlier ones have ended. */
  async next(): Promise<() => void> {
    let end = (): void => {};
    const before = this.last;
    this.last = new Promise(resolve => {
      end = resolve;
    });
    await before;
    return end;
  }
}

async function serve(socket: Socket, pglite: PgliteProtocol, turns: Turns): Promise<void> {
  let bytes = Buffer.alloc(0);
  let isWelcome = false;
  let endTurn: (() => void) | undefined;
  try {
    for await (const chunk of socket) {
      bytes = Buffer.concat([bytes, chunk]);
      // The first message has no type.
      if (!isWelcome) {
        if (bytes.length < 4 || bytes.length < bytes.readInt32BE(0)) continue;
        bytes = bytes.subarray(bytes.readInt32BE(0));
        isWelcome = true;
        socket.write(WELCOME);
      }
      for (let end = 0; bytes.length >= end + 5; ) {
        const type = bytes.toString('latin1', end, end + 1);
        if (type === TERMINATE) return;
        end += 1 + bytes.readInt32BE(end + 1);
        if (end > bytes.length) break;
        if (!ASKS.has(type)) continue;
        endTurn ??= await turns.next();
        const answer = Buffer.from(await pglite.execProtocolRaw(bytes.subarray(0, end)));
        [bytes, end] = [bytes.subarray(end), 0];
        if (answer.toString('latin1', answer.length - 1) === 'I') {
          endTurn();
          endTurn = undefined;
        }
        socket.write(answer);
      }
    }
  } finally {
    if (endTurn !== undefined) await pglite.execProtocolRaw(message('Q', Buffer.from('rollback\0')));
    endTurn?.();
    socket.end();
  }
}

/** Where clients find it. */
export async function withSocket(pglite: PgliteProtocol): Promise<{address: string; close(): Promise<void>}> {
  const folder = mkdtempSync(join(tmpdir(), 'bmojo-socket-'));
  const turns = new Turns();
  const server = createServer(socket => {
    serve(socket, pglite, turns).catch(() => socket.destroy());
  });
  await new Promise<void>(resolve => server.listen(join(folder, '.s.PGSQL.5432'), resolve));
  return {
    address: `postgres://bmojo@/postgres?host=${encodeURIComponent(folder)}`,
    close: async () => {
      await new Promise(resolve => server.close(resolve));
      rmSync(folder, {recursive: true});
    },
  };
}
