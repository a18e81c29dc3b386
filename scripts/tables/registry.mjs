// The operators that custom-ops/registry.ts names: their folders, and their definitions bundled from TypeScript, since the
// tables are written before anything is compiled.
import {existsSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {importTypeScript} from './import-typescript.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const folderOfOps = join(root, 'custom-ops');

/** [{folder, names}] in the registry's order: `{folder: 'linear', names: ['linear', 'linearTransposed']}`. */
function lines() {
  const path = join(folderOfOps, 'registry.ts');
  const text = readFileSync(path, 'utf8')
    .replace(/^\/\/.*$/gm, '')
    .trim();
  return text.split(/(?<=;)\s*/).map(line => {
    const [, exported, folder] =
      /^\s*export \{([^}]+)\} from '\.\/([a-z0-9-]+)\/definition\.js';$/.exec(line) ?? [];
    if (folder === undefined)
      throw new Error(`${path}: an export for each op's folder expected, got ${line}`);
    const names = exported.split(',').map(one => one.trim());
    return {
      folder,
      names: names.filter(one => one !== '').map(one => /^\w+ as (\w+)$/.exec(one)?.[1] ?? one),
    };
  });
}

/** Paths of a file of that name in every op's folder that has one, below the repository. */
export function filesOfOps(name) {
  return lines()
    .map(({folder}) => `custom-ops/${folder}/${name}`)
    .filter(path => existsSync(join(root, path)));
}

/** [{folder, op, ports, varying, has}], ordered by the ops' names, as op-list.ts orders them. */
export async function loadOps() {
  const {ops, kernelPorts, varyingNumbers} = await importTypeScript(
    "export * from './op-list.ts'; export * from './op.ts'; export * from './native-numbers.ts';",
    folderOfOps,
  );
  const found = lines().flatMap(({folder, names}) =>
    names.map(name => {
      const op = ops[name];
      if (op.name !== name)
        throw new Error(`registry.ts exports ${name}, whose definition is named ${op.name}`);
      return {
        folder,
        op,
        forward: kernelPorts(op, 'forward'),
        backward: op.backward === undefined ? undefined : kernelPorts(op, 'backward'),
        varying: varyingNumbers(op),
        has: file => existsSync(join(folderOfOps, folder, file)),
      };
    }),
  );
  return found.sort((a, b) => (a.op.name < b.op.name ? -1 : 1));
}

/** `selective_scan_forward` or `adam-w` as `selectiveScanForward`, `adamW`. */
export function camel(words) {
  return words.replace(/[-_](\w)/g, (_, letter) => letter.toUpperCase());
}

/** `selectiveScan` as `SelectiveScan`. */
export function pascal(name) {
  return name[0].toUpperCase() + name.slice(1);
}

/** The folders of some ops, each once. */
export function foldersOf(ops) {
  return [...new Set(ops.map(({folder}) => folder))].sort();
}

/** The first line of a generated file. */
export const NOTE = 'Written by scripts/write-tables.mjs from registry.ts and the definitions.';
