// Writes the generated parts of the README.
import {readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const {supportTable} = await import('../dist/eval/support-table.js');
const path = join(root, 'README.md');
const [start, end] = ['<!-- support table: npm run docs -->', '<!-- end of support table -->'];
const text = readFileSync(path, 'utf8');
const [before, rest] = text.split(start);
writeFileSync(path, `${before}${start}\n${supportTable()}\n${end}${rest.split(end)[1]}`);
