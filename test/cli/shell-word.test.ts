// Commands that messages and records show are what a shell takes for the words they were made of.

import {execFileSync} from 'node:child_process';
import {expect} from 'chai';
import {shellWord} from '../../errors/shell-word.js';

describe('words of commands', () => {
  it('stay as they are where no shell changes them', () => {
    for (const word of ['runs/a-1_b', '--rate=1e-3', 'a,b', '50%', 'x@y', '.'])
      expect(shellWord(word)).to.equal(word);
    expect(shellWord('runs/mein Lauf ü')).to.equal('"runs/mein Lauf ü"');
  });

  it('mean the same to a shell, on one line', () => {
    const words = [
      '',
      'a b',
      "it's",
      '"x"',
      '$HOME `id` $(id)',
      'a\\b',
      '*?[a]',
      '~',
      'ü',
      'a\nb\t"c" $x \'d\' \\e',
      '!x',
      '#',
      '-',
    ];
    const command = words.map(shellWord).join(' ');
    expect(command).to.not.match(/\n/);
    const script = `for word in "$@"; do printf '%s\\0' "$word"; done`;
    const said = execFileSync('bash', ['-c', `set -- ${command}; ${script}`], {encoding: 'utf8'});
    expect(said.split('\0').slice(0, -1)).to.deep.equal(words);
  });
});
