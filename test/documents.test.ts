// Numbers in documents are the kept ones: generated parts as they must be, quoted figures equal to their files, and no
// measurement that has none.

import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';
import {documents, readmePaths, withGeneratedParts} from '../experiments/documents.js';
import {KeptResultError, readKeptResults} from '../experiments/kept-results.js';

const root = join(import.meta.dirname, '../..');
const results = readKeptResults(join(root, 'experiments/results'));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** A link to a section of RESULTS.md with the name of a figure as its title. */
const QUOTE = /\[([^\]]+)\]\([^)]*RESULTS\.md#([\w-]+) "([^"]+)"\)/g;

/** A number with a unit that only a clock or an evaluation gives. */
const MEASURED =
  /(?<![\w-])[\d.,]*\d ?(?:ms|us|µs|GB\/s|TB\/s|TFLOP\/s|tokens\/s|steps\/s|%|(?:times as (?:fast|long)))(?!\w)/g;

/** Text that a reader takes as prose: without generated parts, quotes and code. */
function prose(text: string): string {
  return text
    .replace(/<!-- (results|support)[\s\S]*?<!-- end -->/g, '')
    .replace(QUOTE, '')
    .replace(/```[\s\S]*?```/g, '')
    .replace(/`[^`]*`/g, '');
}

describe('documents', () => {
  it('have the generated parts that the code and the kept results give (npm run docs writes them)', () => {
    for (const [path, text] of documents(root)) expect(read(path), path).to.equal(text);
  });

  it('quote figures as they are kept', () => {
    let quotes = 0;
    for (const path of readmePaths(root)) {
      for (const [, words, name, figure] of read(path).matchAll(QUOTE)) {
        const kept = results.find(result => result.name === name);
        expect(kept?.figures[figure], `${path}: ${name} ${figure}`).to.equal(words);
        quotes++;
      }
    }
    expect(quotes).to.be.above(5);
  });

  it('figures stand in the tables or notes of their result', () => {
    for (const {name, figures, tables, notes} of results) {
      const shown = JSON.stringify([tables, notes]);
      for (const [figure, words] of Object.entries(figures))
        expect(shown, `${name} ${figure}`).to.include(words.replace(/ .*$/, ''));
    }
  });

  it('hold no measurement that is kept nowhere', () => {
    const found = readmePaths(root).flatMap(path =>
      [...prose(read(path)).matchAll(MEASURED)].map(match => `${path}: ${match[0]}`),
    );
    expect(found).to.deep.equal([]);
    expect(prose('it takes 0.276 ms, 3.3 TFLOP/s and 98.1 %').match(MEASURED)).to.have.length(3);
  });

  it('links between documents lead somewhere', () => {
    const anchors = (text: string): Set<string> =>
      new Set([
        ...[...text.matchAll(/<a id="([^"]+)">/g)].map(match => match[1]),
        ...[...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
          heading
            .toLowerCase()
            .replace(/[^\w\s-]/g, '')
            .replace(/ /g, '-'),
        ),
      ]);
    for (const path of [...readmePaths(root), 'RESULTS.md']) {
      for (const [, target] of read(path).matchAll(/\]\((?!https?:)([^)\s]+)(?: "[^"]*")?\)/g)) {
        const [file, anchor] = target.split('#');
        const resolved = file === '' ? path : join(path, '..', file);
        const isFolder = resolved.endsWith('/') || !/\.\w+$/.test(resolved);
        if (isFolder) continue;
        const text = read(resolved);
        if (anchor !== undefined) expect([...anchors(text)], `${path}: ${target}`).to.include(anchor);
      }
    }
  });

  it('commands that documents and --help show write below runs/, which git ignores', () => {
    const folders = ['cli', 'experiments/families', 'data', 'data/mad'];
    const sources = folders.flatMap(folder =>
      readdirSync(join(root, folder)).flatMap(name => (name.endsWith('.ts') ? [`${folder}/${name}`] : [])),
    );
    const shown = [...readmePaths(root), ...sources].flatMap(path =>
      [...read(path).matchAll(/--(?:out|save-state) (?!wrote|from)([\w./-]+)/g)].map(([, place]) => ({
        path,
        place,
      })),
    );
    expect(shown.length).to.be.above(20);
    const elsewhere = shown.filter(({place}) => !/^(runs\/|DIR$|FILE$)/.test(place));
    expect(elsewhere).to.deep.equal([]);
    expect(read('.gitignore').split('\n')).to.include('runs/');
  });

  it('a part of a result that is not kept is refused', () => {
    expect(() => withGeneratedParts('<!-- results: nothing -->\n<!-- end -->', results)).to.throw(
      KeptResultError,
    );
  });

  it('the README is short, and quotes few numbers', () => {
    const readme = read('README.md');
    expect(Buffer.byteLength(readme)).to.be.at.most(12_000);
    expect([...readme.matchAll(QUOTE)].length).to.be.at.most(10);
  });
});
