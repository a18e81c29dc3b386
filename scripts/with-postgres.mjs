// Runs a command beside a PostgreSQL of its own: `node scripts/with-postgres.mjs npm test`. The server listens on a socket in a
// temporary folder alone; BMOJO_POSTGRES tells the command where. Without PostgreSQL the command runs all the same.
import {execFileSync, spawn, spawnSync} from 'node:child_process';
import {chownSync, existsSync, mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const DEBIAN = '/usr/lib/postgresql';

/** The folder of initdb and pg_ctl: Debian's newest, or where PATH finds them. */
function binaries() {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions
    .map(version => join(DEBIAN, version, 'bin'))
    .find(path => existsSync(join(path, 'initdb')));
  if (found !== undefined) return found;
  const {stdout, status} = spawnSync('pg_config', ['--bindir'], {encoding: 'utf8'});
  return status === 0 && existsSync(join(stdout.trim(), 'initdb')) ? stdout.trim() : undefined;
}

/** PostgreSQL refuses to run as root: then it runs as a user who owns nothing else. */
function owner() {
  if (process.getuid?.() !== 0) return {};
  const id = flag => Number(execFileSync('id', [flag, 'nobody'], {encoding: 'utf8'}));
  return {uid: id('-u'), gid: id('-g')};
}

function start() {
  const bin = binaries();
  if (bin === undefined) {
    console.error('with-postgres: no PostgreSQL here (Debian: apt-get install postgresql); running without');
    return undefined;
  }
  const user = owner();
  const folder = mkdtempSync(join(tmpdir(), 'bmojo-pg-'));
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const run = (program, ...args) => {
    const {status, stderr} = spawnSync(join(bin, program), args, {
      ...user,
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {...process.env, HOME: folder, LC_ALL: 'C.UTF-8'},
    });
    if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
  };
  try {
    run('initdb', '-D', data, '-U', 'bmojo', '-A', 'trust', '-E', 'UTF8', '--no-sync');
    const options = `-k ${folder} -c listen_addresses='' -c max_connections=200`;
    run('pg_ctl', '-D', data, '-w', '-t', '300', '-l', join(folder, 'log'), '-o', options, 'start');
  } catch (error) {
    console.error(`with-postgres: ${error.message}; running without`);
    rmSync(folder, {recursive: true, force: true});
    return undefined;
  }
  return {
    address: `postgres://bmojo@/postgres?host=${encodeURIComponent(folder)}`,
    stop: () => {
      try {
        run('pg_ctl', '-D', data, '-w', '-m', 'immediate', 'stop');
      } finally {
        rmSync(folder, {recursive: true, force: true});
      }
    },
  };
}

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  console.error('usage: node scripts/with-postgres.mjs COMMAND...');
  process.exit(2);
}
const server = start();
const env = {...process.env, ...(server === undefined ? {} : {BMOJO_POSTGRES: server.address})};
const child = spawn(command, args, {stdio: 'inherit', env, shell: process.platform === 'win32'});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('error', error => console.error(`with-postgres: ${error.message}`));
child.on('close', code => {
  server?.stop();
  process.exitCode = code ?? 1;
});
