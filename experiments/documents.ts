// The documents whose parts come from the code and from kept results, as they must be; `npm run docs` writes them, a test
// compares them.

import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {supportTable} from '../eval/support-table.js';
import type {KeptResult} from './kept-results.js';
import {KeptResultError, readKeptResults, resultsDocument, resultTables} from './kept-results.js';

const BLOCK = /(<!-- (results|support)(?:: ([\w-]+))? -->\n)[\s\S]*?(<!-- end -->)/g;

/** Folders whose documents readers find; where operators stand alone there are fewer. */
const DOCUMENTED = ['custom-ops', 'docs', 'examples', 'memory', 'models'];

/** Documents of the project and of its folders, from its root. */
export function readmePaths(root: string): string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(root, folder), {withFileTypes: true}).flatMap(entry => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return below(path);
      return entry.name.endsWith('.md') ? [path] : [];
    });
  const folders = DOCUMENTED.filter(folder => existsSync(join(root, folder)));
  return ['README.md', 'CONTRIBUTING.md', ...folders.flatMap(below)];
}

/** The text of a document with its generated parts as they must be. Errors: KeptResultError for a result that is not kept. */
export function withGeneratedParts(text: string, results: readonly KeptResult[]): string {
  return text.replace(BLOCK, (_, start: string, kind: string, name: string | undefined, end: string) => {
    if (kind === 'support') return `${start}${supportTable()}\n${end}`;
    const result = results.find(one => one.name === name);
    if (result === undefined) throw new KeptResultError(`no result is kept under the name '${name}'`);
    return `${start}${resultTables(result)}\n${end}`;
  });
}

/** Every document that is generated, or has a part that is: path from the root, and text. */
export function documents(root: string): Map<string, string> {
  const results = readKeptResults(join(root, 'experiments/results'));
  const texts = readmePaths(root).map(
    path => [path, withGeneratedParts(readFileSync(join(root, path), 'utf8'), results)] as const,
  );
  return new Map([['RESULTS.md', resultsDocument(results)], ...texts]);
}
