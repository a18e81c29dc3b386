// Makes a checkout usable: installs packages when they are missing or older than the lock file, then builds.
// Node's own modules only, since it runs before anything is installed.
import {spawnSync} from 'node:child_process';
import {existsSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `bmojo needs Node >= 20.19, this is ${process.versions.node}; install a newer one and run this again`,
  );
  process.exit(1);
}

function npm(...args) {
  console.log(`npm ${args.join(' ')}`);
  const {status} = spawnSync('npm', args, {cwd: root, stdio: 'inherit', shell: process.platform === 'win32'});
  if (status !== 0) {
    console.error(`npm ${args.join(' ')} failed; see above`);
    process.exit(status ?? 1);
  }
}

const marker = join(root, 'node_modules/.package-lock.json');
const isInstalled =
  existsSync(marker) && statSync(marker).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
if (isInstalled) npm('run', '--silent', 'build');
else npm('ci', '--no-audit', '--no-fund');
