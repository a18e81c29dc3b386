// What a command does when its words, or the files of its results, cannot be written.

import {errorWords, isForUsers} from '../errors/error-words.js';
import {oneLine} from '../errors/shown.js';
import {writeFileAtomic} from '../formats/atomic-file.js';
import {stopWork} from './interrupts.js';

/** Exit status of a command whose reader went away, as of one that SIGPIPE ended. */
const NO_READER = 141;

let isToldFull = false;

function outputFailed(error: Error): void {
  if ('code' in error && error.code === 'EPIPE') {
    // As in `bmojo ... | head`: it ends without a word, but not before it has saved.
    process.exitCode = NO_READER;
    if (!stopWork('')) process.exit(NO_READER);
    return;
  }
  process.exitCode ??= 1;
  if (isToldFull) return;
  isToldFull = true;
  process.stderr.write(`bmojo: the output cannot be written, the work goes on: ${oneLine(error.message)}\n`);
}

/** Makes output that nobody reads, and output that a full disk refuses, end no work unsaved. */
export function guardOutput(): void {
  process.stdout.on('error', outputFailed);
  process.stderr.on('error', () => {}); // nobody is left to be told
}

/**
 * Writes the files of a result. What cannot be written is printed, all of it, so that no computed number is lost; the command
 * then ends with status 1.
 */
export function writeResults(files: Readonly<Record<string, string>>): string[] {
  const written: string[] = [];
  for (const [path, text] of Object.entries(files)) {
    try {
      writeFileAtomic(path, text);
      written.push(path);
    } catch (error) {
      tellUnwritten(path, error, text);
    }
  }
  return written;
}

/** Says on stderr what could not be written, and prints it. */
export function tellUnwritten(path: string, error: unknown, text: string): void {
  if (!isForUsers(error)) throw error;
  process.exitCode = 1;
  process.stderr.write(
    `bmojo: ${oneLine(path)} cannot be written, so it is printed: ${oneLine(errorWords(error))}\n`,
  );
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}
