// What `bmojo --help` loads before it speaks.

import {readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {expect} from 'chai';
import {withNegativeNumbers} from '../../cli/typed-options.js';
import {workloadFamilies} from '../../experiments/families/index.js';
import {bmojo, cli} from '../support/command.js';

/** Packages that a built file imports at once, itself or through others. */
function packagesBehind(entry: string): Set<string> {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const follow = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const [, name] of readFileSync(file, 'utf8').matchAll(
      /^(?:import|export)\s(?:[^'"();=]*\sfrom\s)?['"]([^'"]+)['"]/gm,
    )) {
      if (name.startsWith('.')) follow(join(dirname(file), name));
      else packages.add(name);
    }
  };
  follow(entry);
  return packages;
}

describe('the command line at its start', () => {
  const beside = (name: string): string => fileURLToPath(new URL(`../../cli/${name}.js`, import.meta.url));

  it('loads tensors for work alone, not to list commands', () => {
    for (const entry of [cli, beside('eval'), beside('bench'), beside('data')])
      expect(
        [...packagesBehind(entry)].filter(name => name.startsWith('@tensorflow')),
        entry,
      ).to.deep.equal([]);
    expect([...packagesBehind(beside('train'))], 'the law sees them where they are').to.include(
      '@tensorflow/tfjs-core',
    );
  });

  it('lists every command, also those whose code is not there yet', async () => {
    const [all, evaluations] = await Promise.all([bmojo(['--help']), bmojo(['eval', '--help'])]);
    for (const name of [
      'quickstart',
      'data',
      'train',
      'generate',
      'eval',
      'compare',
      'model',
      'verify',
      'doctor',
    ])
      expect(all.out).to.match(new RegExp(`^ +bmojo ${name}\\b`, 'm'));
    expect(evaluations.out).to.include('needle-text').and.include('mqar-mixture');
  });

  it('shows settings that learn for a task, or says that there are none', async () => {
    const bare = workloadFamilies.filter(({examples}) => examples.length === 0).map(({name}) => name);
    expect(bare).to.include('mad-recall').and.not.include('mqar');
    const helps = await Promise.all([bare[0], 'mqar'].map(name => bmojo(['train', name, '--help'])));
    expect(helps.map(({out}) => /No settings are shown as an example/.test(out))).to.deep.equal([
      true,
      false,
    ]);
    expect(helps.map(({out}) => out.includes(`--out runs/first`))).to.deep.equal([true, true]);
    expect(helps.map(({out}) => out.includes('--stop-accuracy 0.98'))).to.deep.equal([false, true]);
  });

  it('takes negative numbers for values, however they are written', () => {
    expect(
      withNegativeNumbers(['train', '--rate', '-1e-3', '-h', '--x=1', '-2', '--y', '-.5']),
    ).to.deep.equal(['train', '--rate=-1e-3', '-h', '--x=1', '-2', '--y=-.5']);
  });
});
