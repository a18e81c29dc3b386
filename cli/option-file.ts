// Files that options name.

import {existsSync, readFileSync, statSync} from 'node:fs';
import {dirname} from 'node:path';
import {SettingError} from '../config/schema.js';

/** The bytes of the file that `option` names. Errors: SettingError when it is not there or a folder. */
export function optionFile(option: string, path: string): Buffer {
  if (!existsSync(path)) throw new SettingError(`${option}: ${path} does not exist`);
  if (statSync(path).isDirectory()) throw new SettingError(`${option}: ${path} must be a file, is a folder`);
  return readFileSync(path);
}

/** As {@link optionFile}, its text without a byte order mark. Errors: SettingError also for bytes that are not UTF-8. */
export function optionText(option: string, path: string): string {
  const bytes = optionFile(option, path);
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(bytes);
  } catch {
    throw new SettingError(`${option}: ${path} must be UTF-8 text`);
  }
}

/** Errors: SettingError when the folder of a file to be written is not there: said before anything is computed. */
export function checkFolder(option: string, path: unknown): void {
  if (typeof path === 'string' && !existsSync(dirname(path)))
    throw new SettingError(`${option}: the folder ${dirname(path)} does not exist`);
}
