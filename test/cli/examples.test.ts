// Examples of --help: each in one line, to be copied whole, of what the package has.

import {expect} from 'chai';
import yargs from 'yargs';
import {Examples} from '../../cli/examples.js';
import {bmojo} from '../support/command.js';

describe('examples of --help', () => {
  for (const width of [80, 120])
    it(`are lines of their own at ${width} columns, whatever stands around them is laid out`, async () => {
      const examples = new Examples();
      const parser = yargs();
      examples.standIn(parser);
      const command = `$0 train mqar ${'--setting 1 '.repeat(20)}&& $0 eval mqar`;
      parser
        .scriptName('bmojo')
        .option('long', {describe: 'words '.repeat(40)})
        .example(command, 'what it does')
        .example([['$0 doctor', 'another'], ['$0 kernels']])
        .wrap(width);
      const help = examples.putInto(await parser.getHelp());
      const whole = command.replaceAll('$0', 'npx bmojo');
      expect(help).to.include(
        `Examples:\n  ${whole}\n      what it does\n  npx bmojo doctor\n      another\n  npx bmojo kernels`,
      );
      const rest = help.split('\n').filter(line => !line.includes(whole));
      expect(Math.max(...rest.map(line => line.length))).to.be.at.most(width);
    });

  it('are those of the command that is asked for', async () => {
    const {code, out, err} = await bmojo(['memory', 'search', '--help']);
    expect([code, err]).to.deep.equal([0, '']);
    expect(out.split('Examples:\n')[1]).to.equal(
      '  npx bmojo memory search --memory runs/memory --stream chat --layer 3 --like 812\n' +
        '      what position 812 reminds of, of all that came before it\n',
    );
    expect((await bmojo(['memory', '--help'])).out).to.not.include('Examples:');
  });

  it('name no folder that the package lacks', async () => {
    const {out} = await bmojo(['verify', '--help']);
    expect(out).to.include('  npx bmojo verify ').and.not.include('test/');
  });
});
