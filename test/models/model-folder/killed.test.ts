// kill -9 in the middle of writing: the folder opens, with the old model or the new one, and the next writer goes on.

import {fork} from 'node:child_process';
import {existsSync, mkdtempSync, readdirSync, renameSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as tfl from '@tensorflow/tfjs-layers';
import {expect} from 'chai';
import {useBackend} from '../../../custom-ops/index.js';
import {randomStream} from '../../../data/random.js';
import {fileSystem, openModel, writeModelFolder} from '../../../models/node.js';
import {answers, languageContents} from '../../support/model-folders.js';

const writer = fileURLToPath(new URL('../../support/model-writer.js', import.meta.url));
const KILLS = 12;

/** Lets a process write at `path` and kills it some time after so many of its folders were whole. */
async function writeAndKill(path: string, folders: number, milliseconds: number): Promise<void> {
  const child = fork(writer, [path], {stdio: ['ignore', 'ignore', 'ignore', 'ipc']});
  await new Promise<void>(resolve =>
    child.on('message', turn => {
      if (turn === folders - 1) resolve();
    }),
  );
  await new Promise(resolve => setTimeout(resolve, milliseconds));
  await new Promise(resolve => {
    child.once('exit', resolve);
    child.kill('SIGKILL');
  });
}

describe('a model folder whose writer is killed', () => {
  let folder: string;
  let path: string;
  before(() => useBackend('cpu'));
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-folder-'));
    path = join(folder, 'model');
  });
  afterEach(() => rmSync(folder, {recursive: true}));

  it('opens, at whatever moment', async function () {
    this.timeout(300_000);
    const random = randomStream([4, 9], 0);
    const titles = new Set<string>();
    for (let kill = 0; kill < KILLS; kill++) {
      await writeAndKill(path, 1 + (kill % 3), 120 * random.uniform());
      const {model, card} = await openModel(path);
      titles.add(card?.title ?? '');
      model.model.dispose();
    }
    expect(titles.size).to.be.above(1);
  });

  it('opens between the two renames, and the next writer puts all in its place', async () => {
    const contents = languageContents();
    await writeModelFolder(path, contents);
    // What a kill there leaves: the old folder aside, the new one a draft.
    renameSync(path, `${path}.replaced`);
    const {model} = await openModel(path);
    expect(answers(model.model)).to.deep.equal(answers(contents.model.model));
    expect(answers(await tfl.loadLayersModel(fileSystem(path)))).to.deep.equal(answers(model.model));
    expect(existsSync(path)).to.equal(false);
    await writeModelFolder(path, {...contents, title: 'next'});
    expect((await openModel(path)).card?.title).to.equal('next');
    expect(readdirSync(folder)).to.deep.equal(['model']);
  });

  it('is not touched by a writer that fails', async () => {
    const contents = languageContents();
    await writeModelFolder(path, {...contents, title: 'old'});
    const [first] = contents.model.parameters();
    first.variable.assign(first.variable.div(0));
    const error = await writeModelFolder(path, contents).catch(reason => reason);
    expect(String(error)).to.include('not finite');
    expect((await openModel(path)).card?.title).to.equal('old');
    expect(readdirSync(folder)).to.deep.equal(['model']);
  });
});
