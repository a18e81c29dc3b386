// An operator is a folder and a line in the registry: on copies of the tree one is added and others are deleted, and every
// backend is built and compared with float64.

import {spawnSync} from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, join, relative} from 'node:path';
import {expect} from 'chai';
import {opList} from '../../custom-ops/op-list.js';
import {useReadableBackend} from '../support/backends.js';
import type {OpCheck} from '../support/op-check.js';
import {scaledFiles, scaledLine} from '../support/scaled-op.js';

const root = join(import.meta.dirname, '../../..');
const names = opList.map(({name}) => name);

/** Without what is built, and without what the build would otherwise find up to date. */
function copyOf(entries: readonly string[], to: string): void {
  for (const entry of entries) {
    cpSync(join(root, entry), join(to, entry), {
      recursive: true,
      filter: path => !/\.generated\.|node_modules/.test(basename(path)),
    });
  }
  symlinkSync(join(root, 'node_modules'), join(to, 'node_modules'));
}

function tablesOf(folder: string): Record<string, string> {
  const below = join(folder, 'custom-ops');
  const files = readdirSync(below, {recursive: true, withFileTypes: true})
    .map(entry => join(entry.parentPath, entry.name))
    .filter(path => path.includes('.generated.') && !path.includes('wasm-binary'));
  return Object.fromEntries(files.map(path => [relative(below, path), readFileSync(path, 'utf8')]));
}

class Copy {
  constructor(readonly folder: string) {}

  run(...args: string[]): string {
    const done = spawnSync(process.execPath, args, {cwd: this.folder, encoding: 'utf8', maxBuffer: 2 ** 26});
    expect(done.status, `${args.join(' ')}\n${done.stdout}${done.stderr}`).to.equal(0);
    return done.stdout;
  }

  writeTables(): void {
    this.run('scripts/write-tables.mjs');
  }

  build(): void {
    this.writeTables();
    this.run('scripts/build-wasm.mjs');
    this.run(join(root, 'node_modules/typescript/bin/tsc'), '-p', '.');
  }

  /** With the CUDA kernels emulated on the CPU; the path of the addon. */
  buildTensorFlow(): string {
    const target = join(this.folder, 'build/emulated');
    this.run('scripts/setup-tensorflow/emulated.mjs', target);
    return join(target, 'bmojo_ops.node');
  }

  check(...args: string[]): OpCheck {
    const output = this.run('dist/test/support/op-check.js', ...args);
    return JSON.parse(output.slice(output.indexOf('{'))) as OpCheck;
  }

  editRegistry(edit: (lines: string[]) => string[]): void {
    const path = join(this.folder, 'custom-ops/registry.ts');
    writeFileSync(path, edit(readFileSync(path, 'utf8').split('\n')).join('\n'));
  }

  delete(folder: string): void {
    rmSync(join(this.folder, 'custom-ops', folder), {recursive: true});
    this.editRegistry(lines => lines.filter(line => !line.includes(`'./${folder}/definition.js'`)));
  }
}

describe('folders of operators', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bmojo-folders-'));
  after(() => rmSync(folder, {recursive: true}));

  before(async function () {
    await useReadableBackend(this, 'tensorflow');
  });

  describe('one more, with its line', () => {
    const copy = new Copy(join(folder, 'added'));

    before(() => {
      const {include} = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as {include: string[]};
      copyOf([...include, 'scripts', 'package.json', 'tsconfig.json'], copy.folder);
      const own = join(copy.folder, 'custom-ops/scaled');
      mkdirSync(own);
      for (const [name, text] of Object.entries(scaledFiles)) writeFileSync(join(own, name), text);
      appendFileSync(join(copy.folder, 'custom-ops/registry.ts'), `${scaledLine}\n`);
      copy.build();
    });

    for (const backend of ['cpu', 'wasm'])
      it(`runs on ${backend}, is exported and has a kernel for WebGPU`, () => {
        const {ops, off, composed, functions, webgpu} = copy.check(backend);
        expect(ops).to.have.members([...names, 'scaled']);
        expect([off, composed]).to.deep.equal([[], []]);
        expect(functions).to.include('scaled');
        expect(webgpu.scaled).to.equal('object');
      });

    it('runs in TensorFlow with its CUDA kernel, emulated', () => {
      const {off, composed, cuda} = copy.check('tensorflow', copy.buildTensorFlow());
      expect([off, composed]).to.deep.equal([[], []]);
      expect(cuda.scaled).to.equal('scaled_forward');
    });

    it('leaves the tables as they were when it is deleted', () => {
      expect(tablesOf(copy.folder)).to.not.deep.equal(tablesOf(root));
      copy.delete('scaled');
      copy.writeTables();
      expect(tablesOf(copy.folder)).to.deep.equal(tablesOf(root));
    });
  });

  // Layers need the operators that they are made of, so the copy ends where the operators do.
  describe('one less, with its line', () => {
    const copy = new Copy(join(folder, 'deleted'));
    const gone: string[] = [];

    before(() => {
      copyOf(['custom-ops', 'errors', 'scripts', 'package.json', 'tsconfig.json'], copy.folder);
      cpSync(join(root, 'test/support/op-check.ts'), join(copy.folder, 'test/support/op-check.ts'));
      const path = join(copy.folder, 'tsconfig.json');
      const config = JSON.parse(readFileSync(path, 'utf8')) as {include: string[]};
      writeFileSync(path, JSON.stringify({...config, include: ['custom-ops', 'test']}));
    });

    const expected = () => names.filter(name => !gone.includes(name));

    for (const [deleted, ops] of [
      ['selective-scan', ['selectiveScan']],
      ['linear', ['linear', 'linearTransposed']],
    ] as const)
      it(`${deleted}: the others run on cpu and wasm`, () => {
        copy.delete(deleted);
        gone.push(...ops);
        expect(existsSync(join(copy.folder, 'custom-ops', deleted))).to.equal(false);
        copy.build();
        for (const backend of ['cpu', 'wasm']) {
          const found = copy.check(backend);
          expect(found.ops).to.deep.equal(expected());
          expect(Object.keys(found.webgpu)).to.have.members(expected());
          expect([found.off, found.composed]).to.deep.equal([[], []]);
          for (const name of ops) expect(found.functions).to.not.include(name);
        }
      });

    it('and in TensorFlow, with their CUDA kernels emulated', () => {
      const {off, composed, cuda} = copy.check('tensorflow', copy.buildTensorFlow());
      expect(Object.keys(cuda)).to.deep.equal(expected());
      expect([off, composed]).to.deep.equal([[], []]);
    });
  });
});
