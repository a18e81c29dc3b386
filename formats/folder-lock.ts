// One writer for a folder (Node only): a file that names its process and machine. A lock whose process is gone is taken over;
// one of another machine never is, since nobody here can tell.

import {createHash, randomBytes} from 'node:crypto';
import {linkSync, readFileSync, renameSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {BmojoError} from '../errors/bmojo-error.js';
import {writeNewFile} from './atomic-file.js';
import type {LockOwner} from './lock-owner.js';
import {isGone, ownerWords, parseOwner, thisProcess} from './lock-owner.js';

/** A folder that another process writes to. */
export class FolderLockError extends BmojoError {
  override readonly name = 'FolderLockError';
  readonly kind = 'misuse';
}

export const LOCK = 'lock.json';

/** What is said where files have one name each; on Windows the last, of drives in FAT and exFAT. */
const WITHOUT_LINKS = ['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK', 'EISDIR'];
/** Milliseconds between two attempts. */
const PAUSE = 10;
/** Nobody changes it: a thread that waits for it pauses. */
const clock = new Int32Array(new SharedArrayBuffer(4));

export class FolderLock {
  private held: string | undefined;

  private constructor(private readonly path: string) {}

  /** Errors: FolderLockError while another process has it; those of the system. */
  static take(folder: string): FolderLock {
    const path = join(folder, LOCK);
    const text = `${JSON.stringify({...thisProcess(), token: randomBytes(8).toString('hex')})}\n`;
    const draft = `${path}.${randomBytes(8).toString('hex')}.tmp`;
    try {
      for (let tries = 0; tries < 100; tries++) {
        if (!claim({folder, path, draft, text}, path)) continue;
        const lock = new FolderLock(path);
        lock.held = text;
        return lock;
      }
      throw new FolderLockError(`${folder} is taken and released by other processes all the time`);
    } finally {
      rmSync(draft, {force: true});
    }
  }

  /**
   * Runs `body` as the only writer of a folder: for what takes moments, which others wait for. Errors: as of `take` after
   * `patience` milliseconds; those of `body`.
   */
  static within<T>(folder: string, body: () => T, patience = 10_000): T {
    const lock = FolderLock.takeSoon(folder, patience);
    try {
      return body();
    } finally {
      lock.release();
    }
  }

  private static takeSoon(folder: string, patience: number): FolderLock {
    for (const end = Date.now() + patience; ; ) {
      try {
        return FolderLock.take(folder);
      } catch (error) {
        if (!(error instanceof FolderLockError) || Date.now() >= end) throw error;
        Atomics.wait(clock, 0, 0, PAUSE);
      }
    }
  }

  /** Gives it back, if it is still this process's. */
  release(): void {
    if (this.held !== undefined && textOf(this.path) === this.held) rmSync(this.path, {force: true});
    this.held = undefined;
  }
}

function words(folder: string, path: string, owner: LockOwner | undefined): string {
  if (owner === undefined)
    return `${folder} is locked by ${path}, which names no process; remove that file if nothing writes there`;
  const {process, isHere} = ownerWords(owner);
  return `${folder} is written by ${process}; wait for it or stop it${isHere ? '' : `, or remove ${path} if it has ended`}`;
}

/** A process that wants the lock of a folder. */
interface Claimant {
  readonly folder: string;
  /** Of the lock. */
  readonly path: string;
  readonly draft: string;
  /** What the lock says once it is this one's. */
  readonly text: string;
}

/**
 * Puts the claimant's text where nobody's is, or that of a process that is gone. False where others changed something meanwhile:
 * then it is tried again. Errors: FolderLockError for a place that is another's; those of the system.
 */
function claim(claimant: Claimant, place: string): boolean {
  if (link(claimant, place)) return true;
  const found = textOf(place);
  if (found === undefined) return false; // just released
  // On a network's file system an answer may be lost: asked again, the server finds what it made.
  if (found === claimant.text) return true;
  const owner = parseOwner(found);
  if (owner === undefined || !isGone(owner)) throw new FolderLockError(words(claimant.folder, place, owner));
  return takeOver(claimant, place, found);
}

/**
 * Replaces a stale text in one step, so that the place is never free meanwhile. One process alone may: the one that holds a place
 * named by that very text. No text comes twice, so whoever read it before another took over finds that it is gone. A process
 * that ends here leaves that place to be taken over likewise.
 */
function takeOver(claimant: Claimant, place: string, stale: string): boolean {
  const digest = createHash('sha256').update(stale).digest('hex');
  const right = `${claimant.path}.${digest.slice(0, 16)}.tmp`;
  if (!claim(claimant, right)) return false;
  try {
    if (textOf(place) !== stale) return false;
    return replace(claimant, place);
  } finally {
    rmSync(right, {force: true});
  }
}

/** False where the draft was cleared away meanwhile. */
function replace(claimant: Claimant, place: string): boolean {
  writeDraft(claimant);
  try {
    renameSync(claimant.draft, place);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return textOf(place) === claimant.text;
  }
}

/** Writes what is to be the lock, unless it is there: whoever holds the folder clears it of drafts. */
function writeDraft({draft, text}: Claimant): void {
  if (textOf(draft) === undefined) writeNewFile(draft, text);
}

function link(claimant: Claimant, to: string): boolean {
  writeDraft(claimant);
  try {
    linkSync(claimant.draft, to);
    return true;
  } catch (error) {
    if (['EEXIST', 'ENOENT'].includes(codeOf(error) ?? '')) return false;
    // File systems without hard links: the name is still taken by one process alone.
    if (!WITHOUT_LINKS.includes(codeOf(error) ?? '')) throw error;
    try {
      writeNewFile(to, claimant.text);
      return true;
    } catch (again) {
      if (codeOf(again) === 'EEXIST') return false;
      throw again;
    }
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
