// Everything in a data folder against everything that it says of itself: all that does not match, not the first thing alone.

import {join} from 'node:path';
import {tokenizerDigest} from '../tokenizers/index.js';
import type {DataSummary, SplitName} from './data-folder.js';
import {readSummary, readTokenizer, splitFile, splitNames} from './data-folder.js';
import {TokenFile} from './token-file.js';
import {TokenFileError} from './token-format.js';

export interface Verified {
  readonly summary: DataSummary;
  /** What could not be compared, since the folder is of an earlier version. */
  readonly notes: readonly string[];
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What of a split is not as data.json has it. */
function splitProblems(folder: string, split: SplitName, summary: DataSummary): string[] {
  let file: TokenFile;
  try {
    file = TokenFile.open(splitFile(folder, split));
  } catch (error) {
    return [messageOf(error)];
  }
  try {
    const known = summary.splits[split];
    const compared = [
      ['tokens', file.count, known?.tokens],
      ['documents', file.borders.length - 1, known?.documents],
      ['bytes of text', file.textBytes, known?.textBytes],
      ['SHA-256', file.sha256, known?.sha256],
      ['vocabulary', file.vocabSize, summary.vocabSize],
    ] as const;
    const problems = compared
      .filter(([, own, said]) => own !== said)
      .map(([what, own, said]) => `${split}.tokens: ${what} ${own}, data.json says ${said}`);
    try {
      file.verify();
    } catch (error) {
      problems.push(messageOf(error));
    }
    return problems;
  } finally {
    file.close();
  }
}

function tokenizerProblems(folder: string, summary: DataSummary): string[] {
  try {
    const tokenizer = readTokenizer(join(folder, 'tokenizer.json'));
    const problems: string[] = [];
    const digest = tokenizerDigest(tokenizer);
    if (tokenizer.vocabSize !== summary.vocabSize)
      problems.push(`tokenizer.json: vocabulary ${tokenizer.vocabSize}, data.json says ${summary.vocabSize}`);
    if (summary.tokenizer !== undefined && summary.tokenizer !== digest)
      problems.push(`tokenizer.json: digest ${digest}, data.json says ${summary.tokenizer}`);
    return problems;
  } catch (error) {
    return [messageOf(error)];
  }
}

/**
 * Reads everything in a data folder once and compares it with its record. Errors: TokenFileError naming all
 * that does not match.
 */
export function verifyData(folder: string): Verified {
  const summary = readSummary(folder);
  const problems = [
    ...tokenizerProblems(folder, summary),
    ...splitNames.flatMap(split => splitProblems(folder, split, summary)),
  ];
  if (problems.length > 0)
    throw new TokenFileError(`${folder} does not match its record: ${problems.join('; ')}`);
  const notes =
    summary.tokenizer === undefined
      ? [
          'tokenizer.json: no digest, since data.json was written by an earlier version; prepare the data again to have one',
        ]
      : [];
  return {summary, notes};
}
