// `bmojo eval report RUN...`: everything known of some runs in one HTML file.

import {mkdirSync} from 'node:fs';
import {dirname, join, resolve} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import {optionName, SettingError} from '../config/schema.js';
import type {ReportedRun} from '../eval/report/html.js';
import {htmlReport} from '../eval/report/html.js';
import type {Cell} from '../eval/table.js';
import {percent, perplexityText} from '../eval/table.js';
import {readRecords} from '../experiments/evaluations.js';
import type {Report} from '../experiments/families/index.js';
import {isLanguageReport} from '../experiments/families/index.js';
import {RunFolder} from '../experiments/run-folder.js';
import {writeFileAtomic} from '../formats/atomic-file.js';
import {modelSchema} from '../models/config.js';
import {onlyOptions} from './command-line.js';
import {layerWords, modelName} from './layer-words.js';
import {checkFolder} from './option-file.js';

type Args = Record<string, unknown>;

const REPORT = join('runs', 'report.html');

/** Folder names, with as much of the path in front as tells the runs apart. */
function distinctNames(paths: readonly string[]): string[] {
  const parts = paths.map(path => resolve(path).split(/[\\/]/));
  const tail = (count: number): string[] => parts.map(words => words.slice(-count).join('/'));
  const longest = Math.max(...parts.map(words => words.length));
  for (let count = 1; count < longest; count++)
    if (new Set(tail(count)).size === paths.length) return tail(count);
  return tail(longest);
}

/** Model settings that differ from the defaults, in words; of layers with settings of their own, what these are. */
function modelWords(config: RunFolder['config']['model']): string {
  const {plan} = config;
  const ofLayers = new Set(
    plan?.flatMap(({mixer = {}, ...own}) => [...Object.keys(own), ...Object.keys(mixer)]),
  );
  const settings = Object.entries(modelSchema)
    .filter(([key]) => key !== 'preset' && key !== 'backbone' && !ofLayers.has(key))
    .flatMap(([key, field]) => {
      const value = config[key as keyof typeof config];
      return value === field.default ? [] : [`${optionName(key)} ${value}`];
    });
  return [...(plan === undefined ? [] : [layerWords(config)]), ...settings].join(', ');
}

/** What an evaluation found, by name. */
function figures(report: Report): [string, Cell][] {
  if (isLanguageReport(report))
    return [
      ['held-out loss', report.loss.toFixed(4)],
      ['perplexity', perplexityText(report.perplexity)],
      ['bits per byte', report.bitsPerByte.toFixed(3)],
    ];
  const beyond = report.beyondReach;
  return [
    ['held-out accuracy', percent(report.accuracy)],
    ['beyond windows', beyond === undefined || beyond.queries === 0 ? '-' : percent(beyond.accuracy)],
  ];
}

function reported(path: string, name: string): ReportedRun {
  const folder = RunFolder.open(path);
  const {config} = folder;
  const result = folder.finished ? folder.readResult() : undefined;
  const report = result?.report ?? folder.evaluations().at(-1)?.report;
  const step = result?.step ?? folder.evaluations().at(-1)?.step;
  const results: [string, Cell][] = [['model', modelName(config.model)]];
  if (report !== undefined) results.push(...figures(report));
  if (step !== undefined) results.push(['step', step]);
  if (result !== undefined) {
    results.push(['parameters', result.parameters], ['state bytes', result.stateBytes]);
    if (result.tokensPerSecond !== undefined) results.push(['tokens/s', Math.round(result.tokensPerSecond)]);
  }
  const facts: [string, Cell][] = [
    ['settings', modelWords(config.model)],
    ['task', config.task],
    [
      'data',
      Object.entries(config.data)
        .filter(([key]) => key !== 'checksum')
        .map(([key, value]) => `${optionName(key)} ${value}`)
        .join(', '),
    ],
    ['steps', config.train.steps],
    ['rate', config.train.rate],
  ];
  const curve = folder.curve();
  return {name, results, facts, records: readRecords(path), ...(curve.series.length > 0 ? {curve} : {})};
}

function execute(argv: Args): void {
  const paths = (Array.isArray(argv.runs) ? argv.runs : []).map(String);
  const names = distinctNames(paths);
  if (new Set(names).size < names.length) throw new SettingError('eval report: each run may be named once');
  const out = String(argv.out ?? REPORT);
  checkFolder('--out', argv.out);
  const runs = paths.map((path, i) => reported(path, names[i]));
  mkdirSync(dirname(out), {recursive: true});
  writeFileAtomic(out, Buffer.from(htmlReport(String(argv.title), runs)));
  if (argv.json === true) {
    console.log(
      JSON.stringify({
        file: out,
        runs: runs.map(run => ({run: run.name, ...Object.fromEntries(run.results)})),
      }),
    );
    return;
  }
  console.log(`written: ${out}`);
  const bare = runs.filter(({records}) => records.length === 0).map(({name}) => name);
  if (bare.length > 0)
    console.log(
      `no evaluations in ${bare.join(', ')}; make some with npx bmojo eval TASK --checkpoint RUN (see npx bmojo eval --help)`,
    );
}

export const reportCommand: CommandModule<object, Args> = {
  builder: (yargs: Argv<object>) => {
    const options = {
      out: {type: 'string' as const, describe: `file to write [default: ${REPORT}]`, writes: 'file' as const},
      title: {type: 'string' as const, default: "B'MOJO: evaluation report", describe: 'heading'},
      json: {type: 'boolean' as const, describe: 'print the results of the runs as JSON'},
    };
    return yargs
      .positional('runs', {type: 'string', array: true, describe: 'run folders'})
      .options(options)
      .check(onlyOptions(options, 'runs'))
      .example('$0 eval report runs/bmojo runs/mamba --out runs/both.html', 'two runs side by side');
  },
  handler: execute,
};
