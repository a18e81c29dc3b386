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
/** Packages whose installation runs a script, and why they are known. */
const SCRIPTS = new Map([
  [
    'node_modules/@tensorflow/tfjs-node-gpu',
    'optional: the backend tensorflow; its script may fail and is not needed',
  ],
  ['node_modules/core-js', 'of @tensorflow/tfjs: prints a notice'],
]);

const {packages} = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const shipped = Object.entries(packages).filter(([path, {dev}]) => path !== '' && dev !== true);
const findings = [];
for (const [path, {license, hasInstallScript, integrity, resolved, link}] of shipped) {
  if (license !== undefined && !LICENCES.has(license)) findings.push(`${path} has the licence ${license}`);
  if (hasInstallScript && !SCRIPTS.has(path)) findings.push(`${path} runs a script when it is installed`);
  if (!link && resolved !== undefined && integrity === undefined)
    findings.push(`${path} is not pinned by a digest`);
}

const audit = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  cwd: root,
  encoding: 'utf8',
  shell: process.platform === 'win32',
  timeout: 60_000,
});
let report;
try {
  report = JSON.parse(audit.stdout);
} catch {
  report = {};
}
if (report.metadata?.vulnerabilities === undefined)
  console.log(`npm audit did not answer: ${report.message ?? report.error?.summary ?? 'no registry'}`);
else {
  const {high, critical} = report.metadata.vulnerabilities;
  console.log(`npm audit: ${JSON.stringify(report.metadata.vulnerabilities)}`);
  for (const [name, {severity}] of Object.entries(report.vulnerabilities ?? {}))
    if (severity === 'high' || severity === 'critical') console.log(`  ${severity}: ${name}`);
  if (critical > 0)
    findings.push(`${critical} critical and ${high} high weaknesses are known; see npm audit`);
}
for (const finding of findings) console.error(`supply: ${finding}`);
console.log(`${shipped.length} packages are shipped or asked for, ${findings.length} findings`);
process.exitCode = findings.length > 0 ? 1 : 0;
