// The command of a run or a record, as it is kept.

import {join} from 'node:path';
import {expect} from 'chai';
import {typedCommand} from '../../cli/publish.js';

describe('typedCommand', () => {
  const typed = (...words: string[]): string => {
    const before = process.argv;
    process.argv = ['node', 'cli.js', ...words];
    try {
      return typedCommand();
    } finally {
      process.argv = before;
    }
  };

  it('names what lies below the working directory as it is from there', () => {
    const here = process.cwd();
    expect(
      typed('train', 'lm', '--data', join(here, 'runs', 'data'), `--out=${join(here, 'my runs', 'a')}`),
    ).to.equal('bmojo train lm --data runs/data "--out=my runs/a"');
    expect(typed('runs', here)).to.equal('bmojo runs .');
  });

  it('keeps what lies elsewhere, which tells evaluations apart, and words that are no paths', () => {
    expect(typed('eval', 'lambada', '/srv/a.jsonl', '--checkpoint', 'runs/a', '--prompt', '1 / 2')).to.equal(
      'bmojo eval lambada /srv/a.jsonl --checkpoint runs/a --prompt "1 / 2"',
    );
    expect(typed('runs', `${process.cwd()}-2`)).to.equal(`bmojo runs ${process.cwd()}-2`);
  });
});
