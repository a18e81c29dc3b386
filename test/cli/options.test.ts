// Every number and every list of every command is refused before the command begins, by its option's name.

import {execFileSync} from 'node:child_process';
import {chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {build} from 'esbuild';
import {asOption} from '../../cli/command-line.js';
import {givenRun} from '../../cli/train.js';
import type {Field} from '../../config/schema.js';
import {SettingError} from '../../config/schema.js';
import {createMqar} from '../../data/mqar.js';
import {createNeedle} from '../../data/needle.js';
import {workloadFamilies} from '../../experiments/families/index.js';
import {parseRunConfig} from '../../experiments/run-config.js';
import {BMojoMixer} from '../../layers/index.js';
import {modelSchema} from '../../models/config.js';
import {trainSchema} from '../../train/settings.js';
import type {TabledCommand} from '../support/command-table.js';
import {allCommands} from '../support/command-table.js';

/** What a field does not take, as it may be typed. */
function wrongFor(field: Field): string[] {
  if (field.kind === 'choice') return ['nothing-of-that-kind'];
  if (field.kind !== 'integer' && field.kind !== 'number') return [];
  const {min, max} = field;
  return [
    'eight',
    `${min - 1}`,
    `${2 * max + 1}`,
    'NaN',
    ...(field.kind === 'integer' ? [`${min + 0.5}`] : []),
  ];
}

describe('options of commands', () => {
  let commands: TabledCommand[];
  before(async () => {
    commands = await allCommands();
  });

  /** What a command says of `--option typed`. */
  const said = ({check, options}: TabledCommand, option: string, typed: string): string => {
    const words = process.argv;
    process.argv = [words[0], 'bmojo', `--${option}=${typed}`];
    try {
      check?.({_: [], $0: 'bmojo', [option]: options[option].type === 'number' ? Number(typed) : typed});
      return '';
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      return error.message;
    } finally {
      process.argv = words;
    }
  };

  it('are known, all of them', () => {
    expect(commands.map(({words}) => words)).to.include.members([
      'train mqar',
      'compare lm',
      'compare mad',
      'eval memory',
      'eval needle',
      'bench decode',
      'bench step mqar',
      'generate',
      'data prepare',
      'quickstart',
    ]);
  });

  it('that are numbers have a range, and refuse what lies outside of it', () => {
    let tried = 0;
    for (const command of commands)
      for (const [option, {type, field}] of Object.entries(command.options)) {
        if (type !== 'number') continue;
        const where = `${command.words} --${option}`;
        expect(field?.kind, where).to.be.oneOf(['integer', 'number']);
        for (const typed of field === undefined ? [] : wrongFor(field)) {
          expect(said(command, option, typed), `${where} ${typed}`).to.include(`--${option} must be`);
          tried++;
        }
      }
    expect(tried).to.be.above(1000);
  });

  it('win over a config file, that of a named size too', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-config-'));
    const config = join(folder, 'config.json');
    writeFileSync(config, JSON.stringify({model: {dModel: 8, window: 4}, train: {rate: 0.5, batch: 3}}));
    const family = workloadFamilies.find(({name}) => name === 'mqar');
    const given = (argv: object): object => {
      if (family === undefined) throw new Error('no such family');
      const {model, train} = givenRun(family, {config, ...argv});
      return {...model, ...train};
    };
    expect(given({})).to.deep.equal({dModel: 8, window: 4, rate: 0.5, batch: 3});
    expect(given({size: 'tiny'})).to.include({dModel: 128, window: 32, rate: 1e-3, batch: 3});
    expect(given({size: 'tiny', 'd-model': 16, rate: 0.1})).to.include({dModel: 16, window: 32, rate: 0.1});
    rmSync(folder, {recursive: true});
  });

  it('need a value, also where the option parser makes 0, false or a list of nothing', () => {
    let tried = 0;
    for (const {words, check, options} of commands)
      for (const [option, {type, array}] of Object.entries(options)) {
        if (type === undefined || type === 'boolean') continue;
        const before = process.argv;
        const made = type === 'number' ? 0 : array === true ? [] : '';
        const forms = [[`--${option}`], ...(array === true ? [] : [[`--${option}=`], [`--${option}`, '']])];
        try {
          for (const form of forms) {
            process.argv = [before[0], 'bmojo', ...form];
            expect(() => check?.({_: [], $0: 'bmojo', [option]: made}), `${words} ${form}`).to.throw(
              SettingError,
              `--${option} needs a value, got none`,
            );
            tried++;
          }
        } finally {
          process.argv = before;
        }
      }
    expect(tried).to.be.above(1000);
  });

  it('that are lists say what each value may be, and refuse others, none, and the same twice', () => {
    let tried = 0;
    for (const command of commands)
      for (const [option, shape] of Object.entries(command.options)) {
        const where = `${command.words} --${option}`;
        const isList =
          /commas/.test(shape.describe ?? '') && !/parts/.test(option) ? true : shape.list !== undefined;
        if (!isList) continue;
        expect(shape.list, where).to.not.equal(undefined);
        const {list} = shape;
        if (list === undefined) continue;
        const good = list.kind === 'choice' ? list.choices[0] : String(list.default);
        for (const wrong of wrongFor(list)) {
          expect(said(command, option, wrong), `${where} ${wrong}`).to.include(`--${option}`);
          expect(said(command, option, `${good},${wrong}`), `${where} ${good},${wrong}`).to.include(
            `--${option}`,
          );
          tried++;
        }
        if (list.kind === 'text') continue;
        expect(said(command, option, good), where).to.equal('');
        expect(said(command, option, `${good},${good}`), where).to.include('must differ');
        expect(said(command, option, ''), where).to.include(`--${option}`);
        expect(said(command, option, `${good},`), where).to.include(`--${option}`);
      }
    expect(tried).to.be.above(500);
  });

  it('that take one value refuse several, whatever the option parser makes of them', () => {
    let tried = 0;
    for (const {words, check, options} of commands)
      for (const [option, {type, array}] of Object.entries(options)) {
        if (type === 'boolean' || array === true) continue;
        const before = process.argv;
        // The parser adds 1 to a value that is there: --seed 2 --seed 1 comes to 3.
        process.argv = [before[0], 'bmojo', `--${option}`, '2', `--${option}=1`];
        try {
          expect(() => check?.({_: [], $0: 'bmojo', [option]: 3}), `${words} --${option}`).to.throw(
            SettingError,
            `--${option} takes one value, got 2: 2, 1`,
          );
        } finally {
          process.argv = before;
        }
        tried++;
      }
    expect(tried).to.be.above(500);
  });

  it('stand in refusals in the place of settings, and in nothing that was typed', () => {
    const wordsOf = (act: () => unknown): string => {
      try {
        act();
      } catch (error) {
        if (error instanceof SettingError) return error.named(asOption);
      }
      return 'no refusal';
    };
    const refused = (task: string, settings: object) => wordsOf(() => parseRunConfig(task, settings));
    expect(wordsOf(() => createNeedle({minDepth: 0.9, maxDepth: 0.5}))).to.equal(
      '--min-depth must be at most --max-depth = 0.5, got 0.9',
    );
    expect(wordsOf(() => createMqar({length: 16, pairs: 9}))).to.equal(
      '--length must be at least 4 x --pairs = 36, got 16',
    );
    expect(wordsOf(() => new BMojoMixer({attention: false, ssm: false}))).to.equal(
      '--attention and --ssm must not both be off, there would be no memory at all',
    );
    expect(refused('mqar', {model: {dModel: 0}})).to.equal(
      '--d-model must be an integer in [1, 65536], got 0',
    );
    expect(refused('mqar', {model: {pattern: '{window}'}})).to.match(
      /^--pattern must .*got '\{' in "\{window\}"$/,
    );
    expect(new SettingError('--text: {heads} must be a file').named(asOption)).to.equal(
      '--text: {heads} must be a file',
    );
  });

  it('are told of without the keys of settings, which nobody can type', () => {
    const keys = commands.flatMap(({words, options}) =>
      Object.entries(options).flatMap(([option, {describe: told = ''}]) =>
        [...told.matchAll(/\b[a-z]+(?:[A-Z][a-z]+)+\b/g)]
          .filter(([key]) => Object.hasOwn(modelSchema, key) || Object.hasOwn(trainSchema, key))
          .map(([key]) => `${words} --${option}: ${key}`),
      ),
    );
    expect(keys).to.deep.equal([]);
  });

  describe('that are paths to be written', () => {
    let at: string;
    before(() => {
      at = mkdtempSync(join(tmpdir(), 'bmojo-written-'));
      writeFileSync(join(at, 'file'), '');
      mkdirSync(join(at, 'run'));
      writeFileSync(join(at, 'run', 'config.json'), '{}');
    });
    after(() => rmSync(at, {recursive: true}));

    it('are known, all of them', () => {
      const unsaid = commands.flatMap(({words, options}) =>
        Object.entries(options)
          .filter(([option, {writes}]) => /^(out|csv|save-.*)$/.test(option) && writes === undefined)
          .map(([option]) => `${words} --${option}`),
      );
      expect(unsaid).to.deep.equal([]);
    });

    it('are refused before the command begins where something else stands', () => {
      const kinds = new Set<string>();
      for (const command of commands)
        for (const [option, {writes}] of Object.entries(command.options)) {
          if (writes === undefined) continue;
          kinds.add(writes);
          const where = `${command.words} --${option}`;
          const [file, run] = [join(at, 'file'), join(at, 'run')];
          expect(said(command, option, join(at, 'new', 'deep')), where).to.equal('');
          expect(said(command, option, join(file, 'deep', 'new')), where).to.equal(
            `--${option}: ${file} must be a folder, is a file`,
          );
          expect(said(command, option, file), where).to.equal(
            writes === 'file' ? '' : `--${option}: ${file} must be a folder, is a file`,
          );
          const overRun = {
            file: `--${option}: ${run} must be a file, is a folder`,
            folder: '',
            runs: `--${option}: ${run} is a run itself; choose another folder, for several runs and what compares them`,
          };
          expect(said(command, option, run), where).to.equal(overRun[writes]);
        }
      expect([...kinds].sort()).to.deep.equal(['file', 'folder', 'runs']);
    });

    it('are refused in folders where the user may not write', async () => {
      const closed = mkdtempSync(join(tmpdir(), 'bmojo-closed-'));
      const script = join(closed, 'check.mjs');
      await build({
        stdin: {
          contents: `import {checkWritten} from './written-paths.js';
            try { checkWritten('out', process.argv[2], process.argv[3]); } catch (error) { console.log(error.message); }`,
          resolveDir: join(import.meta.dirname, '../../cli'),
        },
        bundle: true,
        format: 'esm',
        platform: 'node',
        outfile: script,
      });
      chmodSync(closed, 0o555);
      // root may write everywhere
      const user = process.getuid?.() === 0 ? {uid: 65534, gid: 65534} : {};
      try {
        for (const [path, kind] of [
          ['new', 'folder'],
          ['new/deep', 'runs'],
          ['new.csv', 'file'],
          ['check.mjs', 'file'],
        ])
          expect(
            execFileSync(process.execPath, [script, join(closed, path), kind], {...user, encoding: 'utf8'}),
            path,
          ).to.equal(`--out: the folder ${closed} cannot be written to by this user\n`);
      } finally {
        chmodSync(closed, 0o755);
        rmSync(closed, {recursive: true});
      }
    });
  });
});
