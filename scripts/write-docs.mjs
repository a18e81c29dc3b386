// Writes what documents take from the code and from kept results: RESULTS.md, and parts of READMEs between
// `<!-- results: NAME -->` or `<!-- support -->` and `<!-- end -->`. The rest of them is left alone. Also the list of public
// names that a test compares.
import {writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const {documents} = await import('../dist/experiments/documents.js');
for (const [path, text] of documents(root)) writeFileSync(join(root, path), text);
const {KEPT, publicNamesJson} = await import('../dist/test/support/public-names.js');
writeFileSync(join(root, KEPT), publicNamesJson(root));
