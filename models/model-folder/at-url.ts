// A model folder on a web server: fetched file by file, and gone on with where a connection broke off.

import {shown} from '../../errors/shown.js';
import {ModelFormatError} from '../model-format.js';
import type {ModelSource, Pieces} from './source.js';

/** Options of {@link modelAtUrl}; defaults stand beside each. */
export interface UrlOptions {
  /** Attempts at the same place of a file before giving up. Default 5. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt; each further one waits twice as long. Default 300. */
  readonly delay?: number;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
}

const NOTHING_LEFT = 416;

/** An answer that will not become another by asking again. */
class RefusedError extends ModelFormatError {}

/**
 * The folder at an address, or at that of its model.json or card.json. Relative addresses are those of the
 * page. After a broken connection the rest of a file is asked for (Range); a server that cannot do that sends
 * all of it again.
 *
 * Errors: from `read`, ModelFormatError when the server refuses, or cannot be reached in `attempts` attempts;
 * what fetch says of a connection that breaks off for good on the way; the signal's reason when it is
 * aborted. A 404, a 410 or an HTML page in its place is a file that is not there.
 */
export function modelAtUrl(
  address: string | URL,
  {attempts = 5, delay = 300, headers = {}}: UrlOptions = {},
): ModelSource {
  const folder = parseAddress(address);
  folder.pathname = folder.pathname.replace(/\/[^/]*\.json$/, '/').replace(/\/?$/, '/');
  const addressOf = (path: string): URL => {
    const url = new URL(folder);
    url.pathname += path;
    return url;
  };
  const {href: name} = folder;

  /** Undefined where there is no such file. Errors: RefusedError; whatever fetch says of the network. */
  const ask = async (path: string, at: number, signal?: AbortSignal): Promise<Response | undefined> => {
    // A stale copy in the browser's cache would be refused as damaged.
    const response = await fetch(addressOf(path), {
      headers: {...headers, ...(at > 0 ? {range: `bytes=${at}-`} : {})},
      cache: 'no-cache',
      signal,
    });
    const isInstead = response.status === 200 && (await isPageInstead(response));
    // Nothing is left behind the last byte.
    if (!isInstead && (response.ok || (response.status === NOTHING_LEFT && at > 0))) return response;
    await response.body?.cancel();
    if (isInstead || response.status === 404 || response.status === 410) return undefined;
    const words = `${name}: the server answered ${response.status} ${response.statusText} to ${path}`;
    if (response.status === 429 || response.status >= 500) throw new Error(words);
    throw new RefusedError(words);
  };

  async function* pieces(path: string, from: number, first: Response, signal?: AbortSignal): Pieces {
    let at = from;
    let response: Response | undefined = first;
    for (let failures = 0; ; ) {
      try {
        response ??= await ask(path, at, signal);
        if (response === undefined) throw new RefusedError(`${name}: ${path} is gone`);
        for await (const piece of behind(response, at)) {
          at += piece.length;
          failures = 0;
          yield piece;
        }
        return;
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof RefusedError || ++failures >= attempts) throw error;
        response = undefined;
        await pause(delay * 2 ** (failures - 1), signal);
      }
    }
  }

  return {
    name,
    read: async (path, {from = 0, signal} = {}) => {
      for (let failures = 0; ; ) {
        try {
          const response = await ask(path, from, signal);
          return response === undefined ? undefined : pieces(path, from, response, signal);
        } catch (error) {
          signal?.throwIfAborted();
          if (error instanceof RefusedError) throw error;
          if (++failures >= attempts)
            throw new ModelFormatError(
              `${name}: ${path} could not be fetched: ${error instanceof Error ? error.message : String(error)}`,
            );
          await pause(delay * 2 ** (failures - 1), signal);
        }
      }
    },
  };
}

/** Whether a server sends a page in place of what it does not have, as those of single-page applications do. */
async function isPageInstead(response: Response): Promise<boolean> {
  if (response.headers.get('content-type')?.startsWith('text/html') !== true) return false;
  const reader = response.clone().body?.getReader();
  const piece = await reader?.read();
  // Without waiting: a copy is closed when both are.
  void reader?.cancel();
  return /^\s*<(!doctype html|html)\b/i.test(new TextDecoder().decode(piece?.value?.subarray(0, 256)));
}

/** The body from byte `at` on, whether the server sent that alone or everything. */
async function* behind(response: Response, at: number): Pieces {
  if (response.status === NOTHING_LEFT) {
    await response.body?.cancel();
    return;
  }
  let skip = at;
  if (response.status === 206) {
    const begins = Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? at);
    skip = at - begins;
  }
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const {done, value} = await reader.read();
      if (done) return;
      const piece = value.subarray(skip);
      skip = Math.max(0, skip - value.length);
      if (piece.length > 0) yield piece;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, {once: true});
  });
}

/** Errors: ModelFormatError for text that is none, such as a path on disk. */
function parseAddress(address: string | URL): URL {
  try {
    return new URL(address, globalThis.location?.href);
  } catch {
    throw new ModelFormatError(
      `${shown(address)} is no address; a folder on disk is opened by modelInFolder of bmojo/node`,
    );
  }
}
