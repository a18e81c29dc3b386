// The public names of the package, from its built declarations: which, where declared, and with which docstring.

import {readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';

export interface PublicName {
  readonly name: string;
  /** `class`, `function`, `const`, `interface` or `type`. */
  readonly kind: string;
  /** Built declaration file. */
  readonly file: string;
  /** Text of the docstring without its stars; empty where there is none. */
  readonly docstring: string;
}

const source = (file: string, from: string): string => join(dirname(file), from.replace(/\.js$/, '.d.ts'));

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
    return {name, kind, file, docstring};
  }
  const imported = [...text.matchAll(/import (?:type )?\{([^}]*)\} from '(\.[^']+)'/g)].find(([, names]) =>
    names.split(',').some(one => one.trim() === name),
  );
  if (imported !== undefined) return declared(source(file, imported[2]), name);
  return exportsOf(file).find(one => one.name === name);
}

/** Every name that a declaration file exports. */
export function exportsOf(file: string): PublicName[] {
  const text = readFileSync(file, 'utf8');
  const named = [...text.matchAll(/export (?:type )?\{([^}]*)\} from '(\.[^']+)'/g)].flatMap(
    ([, names, from]) =>
      names
        .split(',')
        .map(name => name.trim().replace(/^type /, ''))
        .filter(name => name !== '')
        .map(name => {
          const found = declared(source(file, from), name);
          if (found === undefined) throw new Error(`${file} exports ${name}, which ${from} does not declare`);
          return found;
        }),
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
