// Where options say that something is to be written: what cannot be written there is said before anything is computed.

import {accessSync, constants, existsSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {SettingError} from '../config/schema.js';

/** What a command writes at the path of an option: a file, a folder, or a folder that holds run folders. */
export type Written = 'file' | 'folder' | 'runs';

/** The path itself or the nearest one above it that is there. */
function nearest(path: string): string {
  let found = path;
  while (!existsSync(found) && dirname(found) !== found) found = dirname(found);
  return found;
}

/**
 * Errors: SettingError where a folder stands for a file or a file for a folder, also above the path, for a run in place
 * of a folder that holds runs, and for a folder in which this user may not write.
 */
export function checkWritten(option: string, path: string, kind: Written): void {
  const above = nearest(path);
  const isThere = above === path;
  const isFolder = statSync(above).isDirectory();
  if (isThere && kind === 'file') {
    if (isFolder) throw new SettingError(`--${option}: ${path} must be a file, is a folder`);
    // It is replaced as a whole.
    checkWritable(option, dirname(path));
    return;
  }
  if (!isFolder) throw new SettingError(`--${option}: ${above} must be a folder, is a file`);
  if (kind === 'runs' && existsSync(join(path, 'config.json')))
    throw new SettingError(
      `--${option}: ${path} is a run itself; choose another folder, for several runs and what compares them`,
    );
  checkWritable(option, above);
}

function checkWritable(option: string, folder: string): void {
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new SettingError(`--${option}: the folder ${folder} cannot be written to by this user`);
  }
}
