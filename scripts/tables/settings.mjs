// Interfaces of settings from their schemas, so that an editor shows at each setting what the schema says of it: what it is, its
// default and its bounds. Types that TypeScript derives (Settings<typeof schema>) have no place for a comment.
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {importTypeScript} from './import-typescript.mjs';
import {root} from './registry.mjs';

const NOTE = 'Written by scripts/write-tables.mjs from the schemas of this folder.';
const ROOMS = ['data', 'layers', 'models', 'train'];
const DECLARED = /^export const (?:\{.*\.\.\.)?(\w+Schema)\b/gm;

/** [{path, names}]: files of those rooms that export schemas, below the repository; operators alone, without the rooms, have none. */
function filesWithSchemas() {
  return ROOMS.filter(room => existsSync(join(root, room)))
    .flatMap(room => readdirSync(join(root, room), {recursive: true}).map(name => join(room, name)))
    .filter(path => path.endsWith('.ts') && !path.includes('.generated.'))
    .sort()
    .map(path => ({
      path,
      names: [...readFileSync(join(root, path), 'utf8').matchAll(DECLARED)].map(([, name]) => name),
    }))
    .filter(({names}) => names.length > 0);
}

const typeOf = field =>
  ({
    integer: () => 'number',
    number: () => 'number',
    boolean: () => 'boolean',
    text: () => 'string',
    choice: () => field.choices.map(one => `'${one}'`).join(' | '),
  })[field.kind]();

/** `mixerSchema` as `Mixer`. */
const stem = name => name[0].toUpperCase() + name.slice(1, -'Schema'.length);

function interfaceOf(name, sentence, members) {
  return `/** ${sentence} */\nexport interface ${name} {\n${members.join('\n')}\n}\n`;
}

function interfaces(name, schema, documentation) {
  const members = mark =>
    Object.entries(schema).map(
      ([key, field]) =>
        `  /** ${documentation(field).replaceAll('*/', '*\\/')} */\n  readonly ${key}${mark}: ${typeOf(field)};`,
    );
  return [
    interfaceOf(`${stem(name)}Settings`, `All settings of \`${name}\`, each with a value.`, members('')),
    interfaceOf(
      `Partial${stem(name)}Settings`,
      `Settings of \`${name}\` as they are given; those left out have their defaults.`,
      members('?'),
    ),
  ].join('\n');
}

/** The text of settings.generated.ts by its path, one in each folder that declares schemas. */
export async function settings() {
  const files = filesWithSchemas();
  if (files.length === 0) return {};
  const modules = await importTypeScript(
    [
      "export {documentation} from './config/schema.ts';",
      ...files.map(({path, names}) => `export {${names.join(', ')}} from './${path}';`),
    ].join('\n'),
    root,
  );
  const folders = new Map();
  for (const {path, names} of files) {
    const texts = names.map(name => interfaces(name, modules[name], modules.documentation));
    folders.set(dirname(path), [...(folders.get(dirname(path)) ?? []), ...texts]);
  }
  return Object.fromEntries(
    [...folders].map(([folder, texts]) => [
      `${folder}/settings.generated.ts`,
      `// ${NOTE}\n\n${texts.join('\n')}`,
    ]),
  );
}
