// What others bring in: known weaknesses, licences, and scripts that run when the package is installed. Exits 1 on a finding;
// a registry that does not answer is said and passes.
import {spawnSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Licences that let the package be used as its own licence does. */
const LICENCES = new Set([
  ...[
    'Apache-2.0',
    'MIT',
    'MIT-0',
    'ISC',
    'BSD-2-Clause',
    'BSD-3-Clause',
    '0BSD',
    'BlueOak-1.0.0',
    'Python-2.0',
  ],
  ...['CC0-1.0', 'Unlicense', '(MIT OR Apache-2.0)', 'Apache 2.0'],
  ...['Apache-2.0 AND MIT', '(BSD-3-Clause AND Apache-2.0)'],
]);
/** Packages of the lock file that is installed without scripts may have some; of the others only these, for a reason. */
const SCRIPTS = new Map([['node_modules/core-js', 'of @tensorflow/tfjs: prints a notice']]);

/** Every folder with a lock file of packages that users get: all of them, or when they ask for a backend. */
const FOLDERS = [
  {folder: '.', runsScripts: true},
  {folder: 'scripts/setup-tensorflow', runsScripts: false},
];

const findings = [];
let count = 0;
for (const {folder, runsScripts} of FOLDERS) {
  const {packages} = JSON.parse(readFileSync(join(root, folder, 'package-lock.json'), 'utf8'));
  const shipped = Object.entries(packages).filter(([path, {dev}]) => path !== '' && dev !== true);
  count += shipped.length;
  for (const [path, {license, hasInstallScript, integrity, link}] of shipped) {
    const name = join(folder, path);
    // A link leads to a package of this repository, which the lock file lists without more.
    const isOurs = link || !path.startsWith('node_modules/');
    if (!isOurs && !LICENCES.has(license)) findings.push(`${name} has the licence ${license ?? 'none'}`);
    if (runsScripts && hasInstallScript && !SCRIPTS.has(path))
      findings.push(`${name} runs a script when it is installed`);
    if (!isOurs && integrity === undefined) findings.push(`${name} is not pinned by a digest`);
  }
  audit(folder);
}

/** What npm knows of weaknesses in a folder's packages. */
function audit(folder) {
  const {stdout} = spawnSync('npm', ['audit', '--omit=dev', '--package-lock-only', '--json'], {
    cwd: join(root, folder),
    encoding: 'utf8',
    shell: process.platform === 'win32',
    timeout: 60_000,
  });
  let report;
  try {
    report = JSON.parse(stdout);
  } catch {
    report = {};
  }
  if (report.metadata?.vulnerabilities === undefined)
    return console.log(
      `npm audit of ${folder} did not answer: ${report.message ?? report.error?.summary ?? 'no registry'}`,
    );
  const {high, critical} = report.metadata.vulnerabilities;
  console.log(`npm audit of ${folder}: ${JSON.stringify(report.metadata.vulnerabilities)}`);
  for (const [name, {severity}] of Object.entries(report.vulnerabilities ?? {}))
    if (severity === 'high' || severity === 'critical') console.log(`  ${severity}: ${name}`);
  if (critical > 0)
    findings.push(`${folder}: ${critical} critical and ${high} high weaknesses are known; see npm audit`);
}

for (const finding of findings) console.error(`supply: ${finding}`);
console.log(`${count} packages are shipped or asked for, ${findings.length} findings`);
process.exitCode = findings.length > 0 ? 1 : 0;
