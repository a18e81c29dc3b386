// A model folder on a web server of this machine, with the manners that servers have: cut connections, no Range, errors.

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

/** Serves a folder, to pages of other origins as well. */
export async function serveModel(folder: MemoryFolder): Promise<ModelServer> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://x').pathname.replace('/models/small/', '');
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
    if (cut === undefined) response.end(bytes.subarray(from));
    else response.write(bytes.subarray(from, cut), () => setTimeout(() => response.destroy(), 20));
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
