// One file from an address: of the size and digest that were promised or not at all, within a time, and from where an
// interrupted download stopped.

import {
  closeSync,
  constants,
  existsSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import {dirname} from 'node:path';
import {oneLine} from '../../errors/shown.js';
import {refuseLink, syncFolder} from '../../formats/atomic-file.js';
import {CorpusError} from './documents.js';
import {fileChecksum} from './file-checksum.js';

export interface PromisedFile {
  readonly address: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface DownloadOptions {
  /** Milliseconds without a byte after which a server counts as silent. Default 30,000. */
  readonly silence?: number;
  /** Times that a download is taken up again when nothing came. Default 1. */
  readonly retries?: number;
}

/** A download that broke off: what came stays, and is gone on from. */
class BrokenOff extends CorpusError {}

/**
 * Downloads to `path`; what came before an interruption waits beside it in a `.part` file.
 * Errors: CorpusError for a server that does not answer, falls silent, sends more than was promised, or something else.
 */
export async function download(
  file: PromisedFile,
  path: string,
  {silence = 30_000, retries = 1}: DownloadOptions = {},
): Promise<void> {
  const part = `${path}.${file.sha256.slice(0, 16)}.part`;
  refuseLink(part);
  for (let idle = 0; ; ) {
    const before = sizeOf(part);
    try {
      await receive(file, part, silence);
      break;
    } catch (error) {
      // As long as something comes, it is taken up again.
      idle = sizeOf(part) > before ? 0 : idle + 1;
      if (!(error instanceof BrokenOff) || idle > retries) throw error;
    }
  }
  const {sha256} = await fileChecksum(part);
  if (sha256 !== file.sha256) {
    rmSync(part);
    throw new CorpusError(`corpus: ${shownAddress(file)} must have SHA-256 ${file.sha256}, has ${sha256}`);
  }
  renameSync(part, path);
  syncFolder(dirname(path));
}

const shownAddress = ({address}: PromisedFile): string => oneLine(address);
const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0);

/** Appends what is missing to `part`. */
async function receive(file: PromisedFile, part: string, silence: number): Promise<void> {
  const {bytes} = file;
  if (sizeOf(part) > bytes) rmSync(part);
  let have = sizeOf(part);
  if (have === bytes && bytes > 0) return;
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => controller.abort(), silence);
  };
  const {O_CREAT, O_WRONLY, O_NOFOLLOW = 0} = constants;
  let handle: number | undefined;
  try {
    wait();
    const response = await fetch(file.address, {
      signal: controller.signal,
      ...(have > 0 ? {headers: {Range: `bytes=${have}-`}} : {}),
    });
    if (!response.ok)
      throw new CorpusError(
        `corpus: ${shownAddress(file)} answered ${response.status} ${oneLine(response.statusText.slice(0, 64))}`,
      );
    if (response.status !== 206) have = 0;
    handle = openSync(part, O_CREAT | O_WRONLY | O_NOFOLLOW, 0o666);
    ftruncateSync(handle, have);
    for await (const block of response.body ?? []) {
      wait();
      if (have + block.length > bytes) {
        ftruncateSync(handle, 0);
        throw new CorpusError(
          `corpus: ${shownAddress(file)} sends more than the ${bytes} bytes of the manifest`,
        );
      }
      for (let at = 0; at < block.length; ) at += writeSync(handle, block, at, block.length - at, have + at);
      have += block.length;
    }
  } catch (error) {
    if (error instanceof CorpusError || (error instanceof Error && 'syscall' in error && 'path' in error))
      throw error;
    throw new BrokenOff(
      controller.signal.aborted
        ? `corpus: ${shownAddress(file)} was silent for ${silence / 1000} s after ${have} of ${bytes} bytes`
        : `corpus: ${shownAddress(file)} cannot be reached or broke off after ${have} of ${bytes} bytes: ${reasonOf(error)}`,
    );
  } finally {
    clearTimeout(timer);
    controller.abort();
    if (handle !== undefined) closeSync(handle);
  }
  if (have < bytes)
    throw new BrokenOff(
      `corpus: ${shownAddress(file)} ended after ${have} of ${bytes} bytes; run this again to go on`,
    );
}

/** The innermost cause, which `fetch` hides behind "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return oneLine(error.cause instanceof Error ? error.cause.message : error.message);
}
