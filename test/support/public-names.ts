// The public names of the package, from its built declarations: which, where declared, and with which docstring.

import {existsSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';

export interface PublicName {
  readonly name: string;
  /** `class`, `function`, `const`, `interface` or `type`. */
  readonly kind: string;
  /** Built declaration file. */
  readonly file: string;
  /** Text of the docstring without its stars; empty where there is none. */
  readonly docstring: string;
  /** The declaration itself, with the docstrings of its members. */
  readonly declaration: string;
  /** The code behind it; empty where a name is a type alone. */
  readonly code: string;
}

const source = (file: string, from: string): string => join(dirname(file), from.replace(/\.js$/, '.d.ts'));

/** From `at` on: one line, and those that are indented below it or close it. */
function blockAt(text: string, at: number): string {
  const [first, ...rest] = text.slice(at).split('\n');
  const end = rest.findIndex(line => !/^[\s})\]]/.test(line));
  return [first, ...rest.slice(0, end < 0 ? rest.length : end)].join('\n');
}

function codeOf(file: string, name: string): string {
  const path = file.replace(/\.d\.ts$/, '.js');
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const found = new RegExp(`^export (?:async )?(?:class|function\\*?|const) \\*?${name}\\b`, 'm').exec(text);
  return found === null ? '' : blockAt(text, found.index);
}

/** The declaration of `name` in the text of a file, wherever that file has it from. */
function declared(file: string, name: string): PublicName | undefined {
  const text = readFileSync(file, 'utf8');
  const declaration = new RegExp(
    `(/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/\\s*)?export (?:declare )?(?:abstract )?(class|function|const|interface|type) ${name}\\b`,
  ).exec(text);
  if (declaration !== null) {
    const [, comment = '', kind] = declaration;
    const docstring = comment
      .replace(/^\s*\/?\*+\/?/gm, '')
      .replace(/\*\/\s*$/, '')
      .trim();
    const block = blockAt(text, declaration.index + comment.length);
    return {name, kind, file, docstring, declaration: block, code: codeOf(file, name)};
  }
  const imported = [...text.matchAll(/import (?:type )?\{([^}]*)\} from '(\.[^']+)'/g)].find(([, names]) =>
    names.split(',').some(one => one.trim() === name),
  );
  if (imported !== undefined) return declared(source(file, imported[2]), name);
  return exportsOf(file).find(one => one.name === name);
}

/** What `export {...} from` lists, `one as other` under its other name. */
function listed(file: string, names: string, from: string): PublicName[] {
  return names
    .split(',')
    .map(name => name.trim().replace(/^type /, ''))
    .filter(name => name !== '')
    .map(words => {
      const [name, other = name] = words.split(' as ');
      const found = declared(source(file, from), name);
      if (found === undefined) throw new Error(`${file} exports ${name}, which ${from} does not declare`);
      return {...found, name: other};
    });
}

/** Every name that a declaration file exports. */
export function exportsOf(file: string): PublicName[] {
  const text = readFileSync(file, 'utf8');
  const named = [...text.matchAll(/export (?:type )?\{([^}]*)\} from '(\.[^']+)'/g)].flatMap(
    ([, names, from]) => listed(file, names, from),
  );
  const all = [...text.matchAll(/export \* from '(\.[^']+)'/g)].flatMap(([, from]) =>
    exportsOf(source(file, from)),
  );
  const own = [
    ...text.matchAll(/export (?:declare )?(?:abstract )?(?:class|function|const|interface|type) (\w+)/g),
  ].map(([, name]) => declared(file, name)!);
  const seen = new Set<string>();
  return [...named, ...all, ...own].filter(({name}) => !seen.has(name) && seen.add(name));
}

/** The declaration files of the package's subpaths, from its root, by subpath. */
export function subpathFiles(root: string): ReadonlyMap<string, string> {
  const {exports} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | {readonly types: string}>;
  };
  const entries = Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string' ? [] : [[path, target.types] as const],
  );
  return new Map(entries);
}

/** Every public name, by subpath. */
export function publicNames(root: string): ReadonlyMap<string, readonly PublicName[]> {
  return new Map([...subpathFiles(root)].map(([path, file]) => [path, exportsOf(join(root, file))]));
}

/** Where the kept list of public names lies, from the root. */
export const KEPT = 'test/golden/public-names.json';

/** The list as it is kept: names by subpath, sorted, one a line. */
export function publicNamesJson(root: string): string {
  const lists = [...publicNames(root)].map(([path, names]) => [path, names.map(({name}) => name).sort()]);
  return `${JSON.stringify(Object.fromEntries(lists), null, 1)}\n`;
}
