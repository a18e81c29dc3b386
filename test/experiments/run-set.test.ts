// Several runs side by side, of which one fails.

import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {parseRunConfig} from '../../experiments/run-config.js';
import {RunFolder} from '../../experiments/run-folder.js';
import {RunSetError, trainAll} from '../../experiments/run-set.js';
import {FolderLock} from '../../formats/folder-lock.js';

const config = parseRunConfig('mqar', {
  backend: 'cpu',
  data: {length: 16, pairs: 2, vocabSize: 16},
  model: {dModel: 8, layers: 1, heads: 1},
  train: {steps: 1e6, batch: 2, evalEvery: 1e6, checkpointEvery: 1e6},
});

/** Processes that this one has begun, of which it waits for the end. */
function children(): number[] {
  const {libuv} = process.report.getReport() as {libuv?: readonly {type: string; pid?: number}[]};
  return (libuv ?? []).flatMap(({type, pid}) => (type === 'process' && pid !== undefined ? [pid] : []));
}

describe('a set of runs', function () {
  this.timeout(300_000);
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'bmojo-run-set-'));
  });
  afterEach(() => rmSync(root, {recursive: true}));

  it('saves the others where one fails, and begins no more', async () => {
    const runs = ['long', 'taken', 'later'].map(name => ({name, path: join(root, name), config}));
    RunFolder.create(join(root, 'taken'), config).release();
    const lock = FolderLock.take(join(root, 'taken'));
    try {
      const names = new Set<string>();
      const failed = await (async () => {
        for await (const {name} of trainAll(runs, {jobs: 2})) names.add(name);
      })().catch((error: unknown) => error);
      expect(failed).to.be.instanceOf(RunSetError);
      expect(String(failed)).to.include('run taken:').and.include('is written by process');
      expect(RunFolder.open(join(root, 'long')).checkpoints.lastStep).to.be.above(0);
      expect(RunFolder.open(join(root, 'later')).checkpoints.lastStep).to.equal(undefined);
      expect([...names]).to.not.include('later');
      // Two at a time, though three waited.
      expect(RunFolder.open(join(root, 'long')).sessions()[0]).to.include({together: 2});
    } finally {
      lock.release();
    }
  });

  it('ends in silence where Ctrl-C comes as soon as a process is begun', async () => {
    const runs = [{name: 'begun', path: join(root, 'begun'), config}];
    const before = new Set(children());
    const stop = new AbortController();
    const events = trainAll(runs, {jobs: 1, signal: stop.signal});
    const first = events.next();
    let begun: number | undefined;
    while (begun === undefined) {
      await new Promise(resolve => setTimeout(resolve, 5));
      begun = children().find(pid => !before.has(pid));
    }
    stop.abort();
    process.kill(begun, 'SIGINT');
    const names: string[] = [];
    for (let next = await first; !next.done; next = await events.next()) names.push(next.value.event.type);
    expect(names).to.not.include('finished');
    expect(RunFolder.open(join(root, 'begun')).finished).to.equal(false);
  });

  it('begins no more where the process of one is killed', async () => {
    const runs = ['killed', 'later'].map(name => ({name, path: join(root, name), config}));
    const failed = await (async () => {
      for await (const {event} of trainAll(runs, {jobs: 1})) {
        if (event.type !== 'started') continue;
        const {pid} = JSON.parse(readFileSync(join(root, 'killed', 'lock.json'), 'utf8'));
        process.kill(pid, 'SIGKILL');
      }
    })().catch((error: unknown) => error);
    expect(String(failed)).to.include('run killed: its process ended with SIGKILL');
    expect(RunFolder.open(join(root, 'later')).checkpoints.lastStep).to.equal(undefined);
  });
});
