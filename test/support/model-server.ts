// A model folder on a web server of this machine, with the manners that servers have: cut connections, no Range, errors.

import type {ServerResponse} from 'node:http';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import type {MemoryFolder} from '../../models/model-folder/index.js';

export interface ModelServer {
  readonly address: string;
  /** Requests so far: a file's name, with ` from N` where a part was asked for. */
  readonly asked: string[];
  /** Bytes at which the connection breaks, for the next requests of a file. */
  readonly cuts: Map<string, number[]>;
  /** Statuses of the next answers, before the right ones. */
  readonly statuses: number[];
  /** Whether it sends parts. */
  ranges: boolean;
  /** Whether it sends a page, as if all were well, for what it does not have. */
  pages: boolean;
  /** Forgets all of that. */
  reset(): void;
  close(): void;
}

export interface ServerOptions {
  /**
   * Whether a connection breaks only when the client has asked for `?read=` and the file: one that breaks takes along what a
   * slow page has not read of it. Default false: a moment later, in the process that reads.
   */
  readonly waits?: boolean;
}

/** Serves a folder, to pages of other origins as well. */
export async function serveModel(
  folder: MemoryFolder,
  {waits = false}: ServerOptions = {},
): Promise<ModelServer> {
  const held = new Map<string, ServerResponse>();
  const server = createServer((request, response) => {
    const {pathname, searchParams} = new URL(request.url ?? '', 'http://x');
    const path = pathname.replace('/models/small/', '');
    const read = searchParams.get('read');
    if (read !== null) {
      held.get(read)?.destroy();
      response.writeHead(204, {'access-control-allow-origin': '*'}).end();
      return;
    }
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    served.asked.push(range === null ? path : `${path} from ${range[1]}`);
    response.setHeader('access-control-allow-origin', '*');
    const status = served.statuses.shift();
    const bytes = folder.files.get(path);
    if (status !== undefined || bytes === undefined) {
      if (status === undefined && served.pages)
        response.writeHead(200, {'content-type': 'text/html; charset=utf-8'});
      else response.writeHead(status ?? 404);
      response.end('<!doctype html>');
      return;
    }
    const asksPart = range !== null && served.ranges;
    const from = asksPart ? Number(range[1]) : 0;
    if (from >= bytes.length) {
      response.writeHead(416, {'content-range': `bytes */${bytes.length}`}).end();
      return;
    }
    const part = {'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}`};
    response.writeHead(asksPart ? 206 : 200, {
      ...(asksPart ? part : {}),
      'content-length': bytes.length - from,
    });
    const cut = served.cuts.get(path)?.shift();
    if (cut === undefined) {
      response.end(bytes.subarray(from));
      return;
    }
    if (waits) held.set(path, response);
    response.write(bytes.subarray(from, cut), () => {
      if (!waits) setTimeout(() => response.destroy(), 200);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const served: ModelServer = {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/small`,
    asked: [],
    cuts: new Map(),
    statuses: [],
    ranges: true,
    pages: false,
    reset: () => {
      served.asked.length = 0;
      served.statuses.length = 0;
      served.cuts.clear();
      served.ranges = true;
      served.pages = false;
    },
    close: () => server.close(),
  };
  return served;
}
