// Files that are either the old or the new whole, whatever happens while they are written (Node only). Nothing is written
// through a link, and drafts have names that nobody can foresee.

import {randomBytes} from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {BmojoError} from '../errors/bmojo-error.js';

/** A link, a folder or a device where a file of ours belongs. */
export class FilePlaceError extends BmojoError {
  override readonly name = 'FilePlaceError';
  readonly kind = 'damage';
}

/** How the name of a draft ends. */
export const DRAFT = /\.[0-9a-f]{16}\.tmp$/;

/** Errors: FilePlaceError when `path` is a link: what it points to is nobody's to write or remove. */
export function refuseLink(path: string): void {
  if (lstatSync(path, {throwIfNoEntry: false})?.isSymbolicLink())
    throw new FilePlaceError(
      `${path} is a link; bmojo writes only into files and folders of its own: remove it`,
    );
}

function writeAll(path: string, file: number, bytes: Uint8Array, offset?: number): void {
  try {
    for (let at = 0; at < bytes.length; )
      at += writeSync(file, bytes, at, bytes.length - at, offset === undefined ? null : offset + at);
  } catch (error) {
    throw withPath(error, path);
  }
}

/** An error of a write with its file: of a full disk the system says the place in the code, not which file. */
export function withPath(error: unknown, path: string): unknown {
  if (error instanceof Error && !('path' in error)) error.message += ` '${path}'`;
  return error;
}

/** A file under way, beside its place: it appears there only when it is whole. */
export class Draft {
  private readonly draft: string;
  private file: number | undefined;

  /** Errors: FilePlaceError when the place is taken by a link; those of the system. */
  constructor(
    readonly path: string,
    mode = 0o666,
  ) {
    refuseLink(path);
    this.draft = `${path}.${randomBytes(8).toString('hex')}.tmp`;
    this.file = openSync(this.draft, 'wx', mode);
  }

  /** Appends, or writes at a place of the file. */
  write(bytes: Uint8Array, offset?: number): void {
    writeAll(this.path, this.handle, bytes, offset);
  }

  /** Makes it the file, on the disk when this returns. */
  commit(): void {
    const {handle} = this;
    try {
      fsyncSync(handle);
      closeSync(handle);
      this.file = undefined;
      inFolder(dirname(this.path), () => renameSync(this.draft, this.path));
    } catch (error) {
      this.abandon();
      rmSync(this.draft, {force: true});
      throw error;
    }
  }

  /** Removes what was written so far, unless it is the file already. */
  abandon(): void {
    if (this.file === undefined) return;
    closeSync(this.file);
    this.file = undefined;
    rmSync(this.draft, {force: true});
  }

  private get handle(): number {
    if (this.file === undefined) throw new Error(`${this.path} is written already`);
    return this.file;
  }
}

/** Makes renames and new names inside a folder durable; Windows cannot and need not. */
export function syncFolder(folder: string): void {
  inFolder(folder, () => {});
}

/** Changes names inside a folder durably. It is opened first: what was renamed is not refused for want of a handle. */
function inFolder(folder: string, change: () => void): void {
  if (process.platform === 'win32') {
    change();
    return;
  }
  const handle = openSync(folder, 'r');
  try {
    change();
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Replaces or makes a file in one step: draft beside it, fsync, rename. */
export function writeFileAtomic(path: string, bytes: Uint8Array | string, mode?: number): void {
  const draft = new Draft(path, mode);
  try {
    draft.write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
    draft.commit();
  } catch (error) {
    draft.abandon();
    throw error;
  }
}

/** Writes a file that must not be there yet, so that it survives a power cut; nothing is left of one that fails. */
export function writeNewFile(path: string, bytes: Uint8Array | string): void {
  const file = openSync(path, 'wx');
  try {
    try {
      writeAll(path, file, typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    rmSync(path, {force: true});
    throw error;
  }
}

/** Appends to a file of ours, whole or not at all. Errors: FilePlaceError for a link; those of the system. */
export function appendFile(path: string, bytes: Uint8Array | string): void {
  refuseLink(path);
  const {O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW = 0} = constants;
  const file = openSync(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW, 0o666);
  const before = lstatSync(path).size;
  try {
    writeAll(path, file, typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  } catch (error) {
    ftruncateSync(file, before); // half a line of a full disk
    throw error;
  } finally {
    closeSync(file);
  }
}

/**
 * Appends a line to a file of few lines, whole or not at all. What a killed process has left behind the last line break is no
 * line, and goes: this one would be joined to it. Errors: as of `appendFile`.
 */
export function appendLine(path: string, line: string): void {
  refuseLink(path);
  if (existsSync(path)) {
    const bytes = readFileSync(path);
    const end = bytes.lastIndexOf(10) + 1;
    if (end < bytes.length) truncateSync(path, end);
  }
  appendFile(path, `${line}\n`);
}

/** Makes what was appended to a file durable. */
export function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Removes what killed processes left of drafts of these files of a folder. */
export function removeDrafts(folder: string, files: readonly string[]): void {
  for (const entry of readdirSync(folder)) {
    if (DRAFT.test(entry) && files.includes(entry.replace(DRAFT, '')))
      rmSync(join(folder, entry), {force: true});
  }
}

/** Whether a file of this path is a draft of another. */
export function isDraft(path: string): boolean {
  return DRAFT.test(basename(path));
}
