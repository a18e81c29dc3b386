// sbom.json: the packages that this one brings with it, in CycloneDX form, as npm knows them from the lock file.
import {spawnSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const args = ['sbom', '--sbom-format=cyclonedx', '--sbom-type=library', '--omit=dev', '--package-lock-only'];
const {status, stdout, stderr} = spawnSync('npm', args, {
  cwd: root,
  encoding: 'utf8',
  shell: process.platform === 'win32',
  maxBuffer: 1 << 26,
});
if (status !== 0) {
  console.error(`npm sbom failed: ${stderr.trim()}`);
  process.exit(1);
}
const {components} = JSON.parse(stdout);
writeFileSync(join(root, 'sbom.json'), stdout);
console.log(`sbom.json: ${components.length} packages`);
