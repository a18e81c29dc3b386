// The inside of custom-ops: arrows point down, every op's folder is whole, and everything changed in tfjs is in the table.
// Over the whole repository: no cycle of imports that holds at run time.

import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {dirname, join, relative} from 'node:path';
import {expect} from 'chai';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), {withFileTypes: true, recursive: true})
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
    .map(entry => relative(root, join(entry.parentPath, entry.name)));
}

/** Source files that a file's text imports; those of types alone are left out when only what holds at run time counts. */
function importsOf(file: string, text: string, kind: 'all' | 'run time'): string[] {
  const statements = text.matchAll(
    /(?:^(import|export)\s+(type\s)?[^;']*?|\b(import)\()'(\.{1,2}\/[^']+)\.js'/gm,
  );
  return [...statements]
    .filter(([, , isType]) => kind === 'all' || isType === undefined)
    .map(([, , , , path]) => `${join(dirname(file), path)}.ts`);
}

/** Floors of custom-ops by path, the first that fits; higher ones may import lower ones and their own. */
const floors: readonly [name: string, path: RegExp][] = [
  ['generated', /^native\//],
  ['core', /^(?!index|registry|op-list|functions|one-copy)[\w-]+\.ts$/],
  ['wgsl', /^wgsl\//],
  ['ops', /^(?!backends|native|wgsl)[\w-]+\//],
  ['registry', /^(registry|op-list|functions\.generated)\.ts$/],
  ['webgpu/dispatch', /^backends\/webgpu\/dispatch\//],
  ['webgpu/stock and measure', /^backends\/webgpu\/(stock|measure)\//],
  ['webgpu/capture', /^backends\/webgpu\/capture\//],
  ['backends', /^backends\//],
  ['entry', /./],
];

/** Shared by all backends, and knowing none. */
const sharedByBackends = /^custom-ops\/backends\/(assignments|backend-names|backend-error|step-call)\.ts$/;

function floorOf(file: string): number {
  return floors.findIndex(([, path]) => path.test(relative('custom-ops', file)));
}

/** Imports within custom-ops that point up, or from one op's folder into another's. */
function arrowsUp(file: string, text: string): string[] {
  const own = floorOf(file);
  const isOp = floors[own][0] === 'ops';
  return importsOf(file, text, 'all')
    .filter(target => target.startsWith('custom-ops/') && !sharedByBackends.test(target))
    .filter(
      target =>
        floorOf(target) > own || (isOp && floorOf(target) === own && dirname(target) !== dirname(file)),
    )
    .map(target => `${file} imports ${target}`);
}

/** Cycles among files, each as the files of one. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const state = new Map<string, 'open' | 'done'>();
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      found.push([...path.slice(path.indexOf(file)), file]);
      return;
    }
    state.set(file, 'open');
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    state.set(file, 'done');
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}

const opFolders = readdirSync(join(root, 'custom-ops'), {withFileTypes: true})
  .filter(entry => entry.isDirectory() && existsSync(join(root, 'custom-ops', entry.name, 'definition.ts')))
  .map(entry => entry.name);

describe('structure', () => {
  it('imports of custom-ops point down', () => {
    const found = filesBelow('custom-ops').flatMap(file => arrowsUp(file, read(file)));
    expect(found).to.deep.equal([]);
  });

  it('notices an import that points up, and one into another op', () => {
    const up = (file: string, path: string): number =>
      arrowsUp(`custom-ops/${file}`, `import type {x} from '${path}';`).length;
    expect(up('wgsl/plan.ts', '../linear/attributes.js')).to.equal(1);
    expect(up('linear/kernel.wgsl.ts', '../backends/webgpu/device.js')).to.equal(1);
    expect(up('linear/cases.ts', '../dropout/hash.js')).to.equal(1);
    expect(up('run.ts', './registry.js')).to.equal(1);
    expect(up('backends/webgpu/dispatch/dispatcher.ts', '../capture/recording.js')).to.equal(1);
    expect(up('linear/kernel.wgsl.ts', '../wgsl/plan.js')).to.equal(0);
    expect(up('backends/webgpu/capture/recording.ts', '../../step-call.js')).to.equal(0);
  });

  it('no imports go round at run time', () => {
    const folders = (JSON.parse(read('tsconfig.json')) as {include: string[]}).include;
    const files = folders.flatMap(path =>
      path.endsWith('.ts') ? [path] : existsSync(join(root, path)) ? filesBelow(path) : [],
    );
    expect(files.length).to.be.greaterThan(300);
    expect(cycles(new Map(files.map(file => [file, importsOf(file, read(file), 'run time')])))).to.deep.equal(
      [],
    );
  });

  it('notices imports that go round', () => {
    const round = cycles(
      new Map([
        ['a.ts', ['b.ts']],
        ['b.ts', ['c.ts', 'd.ts']],
        ['c.ts', []],
        ['d.ts', ['a.ts']],
      ]),
    );
    expect(round).to.deep.equal([['a.ts', 'b.ts', 'd.ts', 'a.ts']]);
    const text =
      "import type {A} from './a.js';\nimport {B,\n b} from './b.js';\nawait import('./c.js');\nexport * from './d.js';";
    expect(importsOf('x/y.ts', text, 'run time')).to.deep.equal(['x/b.ts', 'x/c.ts', 'x/d.ts']);
  });

  it('every op has the files that the recipe names, and stands in the lists', () => {
    const recipe = read('CONTRIBUTING.md').split('## Add an operator')[1].split('\n## ')[0];
    const steps = [...recipe.matchAll(/^\d+\. ((?:`[\w.-]+`(?:, | and )?)+)( \([^)]*\))?:/gm)];
    const needed = steps
      .filter(([, , isOptional]) => isOptional === undefined)
      .flatMap(([, names]) => [...names.matchAll(/`([\w.-]+)`/g)].map(([, name]) => name));
    expect(needed.length).to.be.greaterThan(7);
    const lacking = opFolders.flatMap(folder =>
      needed
        .filter(name => !existsSync(join(root, 'custom-ops', folder, name)))
        .map(name => `${folder}/${name}`),
    );
    expect(lacking).to.deep.equal([]);
    for (const folder of opFolders)
      expect(read('custom-ops/registry.ts'), folder).to.include(`'./${folder}/definition.js'`);
  });

  it('attributes of an op are a type in a file that imports nothing', () => {
    for (const folder of opFolders) {
      const definition = read(`custom-ops/${folder}/definition.ts`);
      const [, name] = /OpDefinition<(\w+)>/.exec(definition) ?? [];
      const path = `custom-ops/${folder}/attributes.ts`;
      expect(existsSync(join(root, path)), path).to.equal(name !== undefined);
      if (name === undefined) continue;
      expect(read(path))
        .to.include(`export type ${name} = {`)
        .and.not.to.match(/^import /m);
    }
  });

  it('everything changed in tfjs and around it is in the table of backends/README.md', () => {
    const table = read('custom-ops/backends/README.md');
    const changes =
      /unregisterKernel\(|\.prototype\.\w+ = |\b(registerBackend|removeBackend|registerGradient)\(|env\(\)\.set\(|Object\.defineProperty\(|process\.env\.\w+ (\?\?)?= |Object\.assign\(globalThis|globalThis as |^\s*(recorder|tfjs|starter|pool|util|backend|binding)\.\w+ = |\bstate\.(activeTape|gradientDepth|kernelDepth) = /m;
    const folders = ['custom-ops', 'layers', 'models', 'train', 'eval', 'experiments', 'cli', 'bench'];
    const changing = folders
      .filter(folder => existsSync(join(root, folder)))
      .flatMap(filesBelow)
      .filter(file => changes.test(read(file)));
    const rows = table.split('\n').flatMap(line => {
      const [, path, tests] = /^\|[^|]*\| `([^`]+)` +\|.*\| ([^|]+?) +\|$/.exec(line) ?? [];
      return path === undefined ? [] : [{path: join('custom-ops/backends', path), tests: tests.split(', ')}];
    });
    expect(changing.length).to.be.greaterThan(10);
    expect(changing.filter(file => !rows.some(({path}) => path === file))).to.deep.equal([]);
    const named = rows.flatMap(({path, tests}) => [
      path,
      ...tests.filter(name => name !== '-').map(name => `test/${name}.test.ts`),
    ]);
    expect(named.filter(path => !existsSync(join(root, path)))).to.deep.equal([]);
  });
});
