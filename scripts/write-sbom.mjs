// sbom.json, in CycloneDX form, as npm knows packages from a lock file: those that this package brings with it, and, beside
// the setup of the backend tensorflow, those that the setup brings.
import {spawnSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const args = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=library', '--omit=dev', '--package-lock-only'];
for (const folder of ['.', 'scripts/setup-tensorflow']) {
  const {status, stdout, stderr} = spawnSync('npm', args, {
    cwd: join(root, folder),
    encoding: 'utf8',
    shell: process.platform === 'win32',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) {
    console.error(`npm sbom failed in ${folder}: ${stderr.trim()}`);
    process.exit(1);
  }
  const {components} = JSON.parse(stdout);
  writeFileSync(join(root, folder, 'sbom.json'), stdout);
  console.log(`${join(folder, 'sbom.json')}: ${components.length} packages`);
}
