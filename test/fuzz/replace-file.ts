// Writing a file again, thousands of times.

import {rmSync, writeFileSync} from 'node:fs';

/** As a new file: ext4 sends one that is cut and written again to the disk at once, which takes longer than a case. */
export function replaceFile(path: string, bytes: Uint8Array): void {
  rmSync(path, {force: true});
  writeFileSync(path, bytes);
}
