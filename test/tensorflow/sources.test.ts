// An addon is loaded with the JavaScript of its own sources alone: their digest is the same wherever they lie, and one that was
// built from others is refused.

import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {expect} from 'chai';
import {faultOfSources} from '../../custom-ops/backends/tensorflow/addon.js';
import {startTensorFlow} from '../../custom-ops/backends/tensorflow/index.js';
import {sourceDigests} from '../../custom-ops/backends/tensorflow/sources.generated.js';
import {useReadableBackend} from '../support/backends.js';

const root = join(import.meta.dirname, '../../..');
const HEADER = 'custom-ops/native/tensorflow/sources.generated.h';

type Sources = Readonly<Record<string, string>>;

interface Tables {
  addonSources(tables: Sources): Sources;
  digestOf(sources: Sources): string;
  sourceDigests(sources: Sources): {cpu: string; cuda: string};
}

const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The addon tells what `sources` says, to whatever loads it in this process. */
const standIn = (sources: string): string =>
  `data:text/javascript,${encodeURIComponent(`
    import Module from 'node:module';
    const load = Module._extensions['.node'];
    Module._extensions['.node'] = (module, path) => {
      load(module, path);
      if (path.endsWith('bmojo_ops.node')) module.exports.sources = ${sources};
    };`)}`;

describe("the digest of the addon's sources", function () {
  this.timeout(300_000);
  let tables: Tables;

  before(async () => {
    tables = (await import(pathToFileURL(join(root, 'scripts/tables/sources.mjs')).href)) as Tables;
  });

  it('is of paths and texts, not of their order or their ends of lines', () => {
    const sources = {'custom-ops/a.h': 'int a;\nint b;\n', 'custom-ops/b.cc': '#include "a.h"\n'};
    const digest = tables.digestOf(sources);
    expect(digest).to.match(/^[0-9a-f]{64}$/);
    const turned = Object.fromEntries(Object.entries(sources).reverse());
    expect(tables.digestOf(turned)).to.equal(digest);
    const windows = Object.entries(sources).map(([path, text]) => [path, text.replaceAll('\n', '\r\n')]);
    expect(tables.digestOf(Object.fromEntries(windows))).to.equal(digest);
    const {'custom-ops/a.h': a, 'custom-ops/b.cc': b} = sources;
    const others: Sources[] = [
      {'custom-ops/a.h': 'int a;\nint c;\n', 'custom-ops/b.cc': b},
      {'custom-ops/a.h': 'int a;int b;\n', 'custom-ops/b.cc': b},
      {'custom-ops/c.h': a, 'custom-ops/b.cc': b},
      {'custom-ops/a.h': b, 'custom-ops/b.cc': a},
      {'custom-ops/a.h': a},
    ];
    for (const other of others) expect(tables.digestOf(other)).to.not.equal(digest);
  });

  it('is of what is compiled, CUDA kernels where they are', () => {
    const sources = tables.addonSources({'custom-ops/native/tensorflow/operators.generated.cc': 'made'});
    expect(sources['custom-ops/native/tensorflow/operators.generated.cc']).to.equal('made');
    expect(Object.keys(sources).filter(path => path.includes('.generated.'))).to.have.length(1);
    const {cpu, cuda} = tables.sourceDigests(sources);
    const changed = (path: string): string[] => {
      const digests = tables.sourceDigests({...sources, [path]: `${sources[path] ?? ''}\n// changed`});
      return [...(digests.cpu === cpu ? [] : ['cpu']), ...(digests.cuda === cuda ? [] : ['cuda'])];
    };
    for (const path of [
      'custom-ops/native/tensorflow/operator.cc',
      'custom-ops/native/tensorflow/operators.generated.cc',
      'custom-ops/native/tensorflow/binding.gyp',
      'custom-ops/rms-norm/kernel.h',
      'custom-ops/rms-norm/op_tf.cc',
    ]) {
      expect(sources, path).to.have.property(path);
      expect(changed(path), path).to.deep.equal(['cpu', 'cuda']);
    }
    for (const path of ['custom-ops/rms-norm/kernel.cu', 'custom-ops/native/cuda/column-sums.cuh']) {
      expect(sources, path).to.have.property(path);
      expect(changed(path), path).to.deep.equal(['cuda']);
    }
    for (const path of [
      'custom-ops/native/tensorflow/harness.cc',
      'custom-ops/native/cuda/harness/main.cc',
      'custom-ops/rms-norm/workloads.cc',
      'custom-ops/rms-norm/README.md',
    ])
      expect(changed(path), path).to.deep.equal([]);
  });

  it('is that of the packed sources, in what is compiled and in what loads it', () => {
    const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    const [{files}] = JSON.parse(execFileSync('npm', args, {cwd: root, encoding: 'utf8'})) as [
      {files: {path: string}[]},
    ];
    const packed = files.map(({path}) => path);
    expect(packed).to.include.members([HEADER, 'dist/custom-ops/backends/tensorflow/sources.generated.js']);
    const sources = packed.filter(path => path.startsWith('custom-ops/') && path !== HEADER);
    const digests = tables.sourceDigests(Object.fromEntries(sources.map(path => [path, textOf(path)])));
    expect(digests).to.deep.equal(sourceDigests);
    const [, cuda, cpu] = /BMOJO_CUDA\n.*"(.*)";\n#else\n.*"(.*)";/.exec(textOf(HEADER)) ?? [];
    expect({cpu, cuda}).to.deep.equal(digests);
  });
});

describe('an addon of other sources', function () {
  this.timeout(300_000);
  const {cpu, cuda} = sourceDigests;

  it('has a fault, which says what was found and what to do', () => {
    expect(faultOfSources({sources: cpu, cuda: false})).to.equal(undefined);
    expect(faultOfSources({sources: cuda, cuda: true})).to.equal(undefined);
    expect(faultOfSources({sources: cuda, cuda: false})).to.equal(
      'bmojo: the tensorflow backend was built from the sources of another version of bmojo (by their digest: expected ' +
        `${cpu.slice(0, 12)}, found ${cuda.slice(0, 12)}); run \`npx bmojo setup tensorflow\` again`,
    );
    expect(faultOfSources({sources: cpu, cuda: true})).to.match(/ again, with --gpu or --cuda as before$/);
    expect(faultOfSources({cuda: false})).to.include(`expected ${cpu.slice(0, 12)}, none is told)`);
  });

  describe('in this TensorFlow', () => {
    before(function () {
      return useReadableBackend(this, 'tensorflow');
    });

    it('is none where the setup has run', () => {
      expect(startTensorFlow().sources).to.be.oneOf([cpu, cuda]);
    });

    for (const [name, sources, found] of [
      ['another digest', "'f'.repeat(64)", 'found ffffffffffff'],
      ['none', 'undefined', 'none is told'],
    ])
      it(`is refused with ${name}; doctor says so, and auto takes another backend`, () => {
        const cli = join(root, 'dist/cli.js');
        const args = ['--import', standIn(sources), cli, 'doctor', '--json'];
        const {backends, auto} = JSON.parse(execFileSync(process.execPath, args, {encoding: 'utf8'})) as {
          backends: {backend: string; usable: boolean; detail: string}[];
          auto: {backend: string; reason: string};
        };
        const {usable, detail} = backends.find(({backend}) => backend === 'tensorflow')!;
        expect(usable).to.equal(false);
        expect(detail)
          .to.include('the tensorflow backend was built from the sources of another version of bmojo')
          .and.include(found)
          .and.include('run `npx bmojo setup tensorflow` again');
        expect(auto.backend).to.be.oneOf(['webgpu', 'wasm']);
        if (auto.backend === 'wasm')
          expect(auto.reason).to.match(
            /no tensorflow: was built from the sources of another version of bmojo$/,
          );
      });
  });
});
