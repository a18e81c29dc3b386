// TensorFlow comes by digest or not at all: what the setup downloads, with wheels made here and no index.

import {execFile, execFileSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {expect} from 'chai';

const root = join(import.meta.dirname, '../../..');
const scripts = join(root, 'scripts/setup-tensorflow');

const MAKE_WHEEL = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as archive:
    archive.writestr('tensorflow/libtensorflow_cc.so.2', sys.argv[2])
    archive.writestr('tensorflow/python/large.py', 'of no use here')
    about = 'tensorflow-2.21.0.dist-info/'
    archive.writestr(about + 'METADATA', 'Metadata-Version: 2.1\\nName: tensorflow\\nVersion: 2.21.0\\n')
    archive.writestr(about + 'WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    archive.writestr(about + 'RECORD', '')
`;

const DIGEST =
  "import hashlib, sys; print(hashlib.blake2b(open(sys.argv[1], 'rb').read(), digest_size=32).hexdigest())";

function pipWorks(): boolean {
  try {
    execFileSync('python3', ['-m', 'pip', '--version'], {stdio: 'ignore'});
    return true;
  } catch {
    return false;
  }
}

describe('the wheel of TensorFlow', function () {
  this.timeout(300_000);
  let folder: string;
  let digest: string;
  let blake2b: string;
  before(function () {
    if (!pipWorks()) {
      if (process.env.CI === 'true') throw new Error('python3 with pip is missing');
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'bmojo-wheel-'));
    mkdirSync(join(folder, 'index'));
    const wheel = join(folder, 'index/tensorflow-2.21.0-py3-none-any.whl');
    execFileSync('python3', ['-c', MAKE_WHEEL, wheel, 'a library']);
    digest = createHash('sha256').update(readFileSync(wheel)).digest('hex');
    blake2b = execFileSync('python3', ['-c', DIGEST, wheel], {encoding: 'utf8'}).trim();
  });
  after(() => {
    if (folder !== undefined) rmSync(folder, {recursive: true, force: true});
  });

  /** The library's folder, or what the setup says against it. */
  function wheelFor(options: object): Promise<string> {
    const code =
      `const {wheelLibrary} = await import(${JSON.stringify(pathToFileURL(join(scripts, 'wheel.mjs')).href)});` +
      `try { console.log('lib ' + wheelLibrary(${JSON.stringify(options)}).lib); }` +
      "catch (error) { console.log(error.constructor.name + ': ' + error.message); }";
    const env = {
      ...process.env,
      XDG_CACHE_HOME: join(folder, 'cache'),
      PIP_CONFIG_FILE: '/dev/null',
      PIP_NO_INDEX: '1',
      PIP_FIND_LINKS: join(folder, 'index'),
    };
    return new Promise((resolve, reject) => {
      execFile(process.execPath, ['--input-type=module', '--eval', code], {env}, (error, stdout) => {
        if (error === null) resolve(stdout.slice(stdout.search(/^(lib|Problem|\w*Error)\b/m)).trim());
        else reject(error);
      });
    });
  }

  function requirements(text: string): string {
    const path = join(folder, 'requirements.txt');
    writeFileSync(path, text);
    return path;
  }

  const unpacked = (): string[] => {
    const cache = join(folder, 'cache/bmojo');
    return existsSync(cache) ? readdirSync(cache).filter(name => name !== 'wheels') : [];
  };

  it('is refused where no digest is pinned, and says how to name some', async () => {
    expect(await wheelFor({platform: 'linux arm64', gpu: true})).to.match(
      /^Problem: no TensorFlow 2\.21\.0 with CUDA is known for linux arm64.*tensorflow\[and-cuda\]==2\.21\.0.*--requirements FILE$/,
    );
    expect(await wheelFor({platform: 'win32 x64'})).to.match(/^Problem: no wheel .* is known for win32 x64/);
    expect(unpacked()).to.deep.equal([]);
  });

  it('is refused when it is not the pinned one, and nothing is left', async () => {
    for (const options of [{}, {gpu: true}])
      expect(await wheelFor({platform: 'linux x64', ...options})).to.match(
        /^Problem: downloading TensorFlow 2\.21\.0/,
      );
    expect(await wheelFor({platform: 'linux arm64'})).to.match(
      /^Problem: what pip downloaded is not the TensorFlow 2\.21\.0 that is pinned: BLAKE2b [0-9a-f]{64}, expected [0-9a-f]{64};/,
    );
    expect(unpacked()).to.deep.equal([]);
  });

  it('is unpacked when it is the one of a pinned digest that pip does not know', async () => {
    const named = {requirements: requirements('tensorflow==2.21.0\n'), choice: [], blake2b};
    const said = await wheelFor({platform: 'linux arm64', pins: {'linux arm64': {cpu: named}}});
    expect(readFileSync(join(said.slice('lib '.length), 'libtensorflow_cc.so.2'), 'utf8')).to.equal(
      'a library',
    );
    rmSync(join(folder, 'cache'), {recursive: true});
  });

  it('is refused under another version, and from a file that is not there', async () => {
    const other = requirements('tensorflow==2.20.0 --hash=sha256:00\n');
    expect(await wheelFor({platform: 'linux arm64', requirements: other})).to.include(
      'must name tensorflow==2.21.0 or tensorflow-cpu==2.21.0, got tensorflow==2.20.0',
    );
    expect(await wheelFor({platform: 'linux arm64', requirements: join(folder, 'none')})).to.match(
      /^Problem: --requirements .*none cannot be read \(ENOENT\)/,
    );
  });

  it('is refused when it is not the one of the digest, or none is named, and nothing is left', async () => {
    for (const line of [`tensorflow==2.21.0 --hash=sha256:${'0'.repeat(64)}\n`, 'tensorflow==2.21.0\n']) {
      const said = await wheelFor({platform: 'linux arm64', requirements: requirements(line)});
      expect(said).to.match(/^Problem: downloading TensorFlow 2\.21\.0 failed;[\s\S]*hash/i);
      expect(unpacked()).to.deep.equal([]);
    }
  });

  it('is unpacked when it is the one of the digest', async () => {
    const line = requirements(`tensorflow==2.21.0 --hash=sha256:${digest}\n`);
    const said = await wheelFor({platform: 'linux arm64', requirements: line});
    expect(said).to.match(/^lib /);
    const lib = said.slice('lib '.length);
    expect(readFileSync(join(lib, 'libtensorflow_cc.so.2'), 'utf8')).to.equal('a library');
    expect(readdirSync(lib)).to.deep.equal(['libtensorflow_cc.so.2']);
  });

  it('is pinned in every requirements file of the setup, or beside it', () => {
    const files = readdirSync(scripts).filter(name => /^requirements-.*\.txt$/.test(name));
    expect(files).to.have.lengthOf(3);
    const code = readFileSync(join(scripts, 'wheel.mjs'), 'utf8');
    for (const file of files) {
      const lines = readFileSync(join(scripts, file), 'utf8').replaceAll('\\\n', '').split('\n');
      const beside = new RegExp(`'${file}'\\)[^}]*blake2b: '[0-9a-f]{64}'`).test(code);
      for (const line of lines.filter(one => one !== '' && !one.startsWith('#')))
        expect(line, file).to.match(
          beside ? /^tensorflow==2\.21\.0$/ : /^[\w-]+==[\d.]+(\s+--hash=sha256:[0-9a-f]{64})+$/,
        );
    }
  });
});
