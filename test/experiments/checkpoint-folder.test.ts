import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {CheckpointError, CheckpointFolder} from '../../experiments/checkpoint-folder.js';
import {FilePlaceError} from '../../formats/atomic-file.js';
import type {HeldSnapshot} from '../support/snapshots.js';
import {HeldArray, holdSnapshot, loadCheckpoint} from '../support/snapshots.js';

const snapshot = (step: number): HeldSnapshot => ({
  step,
  cursor: 8 * step,
  weights: [new HeldArray('block_0/q_proj', [2, 2], Float32Array.of(step, -0, 1e-30, 2))],
  optimizer: [new HeldArray('mean/block_0/q_proj', [2, 2], Float32Array.of(0.1, 0.2, 0.3, step))],
});

describe('checkpoint folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-checkpoint-'));
  });
  afterEach(() => rmSync(folder, {recursive: true}));

  it('gives back what was saved last, and keeps nothing else', async () => {
    const store = new CheckpointFolder(folder);
    expect(store.lastStep).to.equal(undefined);
    await store.save(snapshot(3));
    await store.save(snapshot(6));
    await store.save(snapshot(6)); // a valid checkpoint is replaced, never rewritten
    expect(store.lastStep).to.equal(6);
    const again = new CheckpointFolder(folder);
    expect(again.lastStep).to.equal(6);
    const loaded = await loadCheckpoint(again);
    expect(loaded).to.deep.equal(snapshot(6));
    expect(Object.is(loaded.weights[0].data[1], -0)).to.equal(true);
    expect(readdirSync(folder).sort()).to.deep.equal(['latest.json', 'step-00000006-again']);
  });

  it('loads after a save that died at any point', async () => {
    await new CheckpointFolder(folder).save(snapshot(3));
    // Died while writing files, or after the rename and before the pointer was replaced.
    for (const name of ['draft-123', 'step-00000006']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'weights.safetensors'), 'half');
      expect(await loadCheckpoint(new CheckpointFolder(folder))).to.deep.equal(snapshot(3));
    }
    await new CheckpointFolder(folder).save(snapshot(6));
    expect(await loadCheckpoint(new CheckpointFolder(folder))).to.deep.equal(snapshot(6));
  });

  it('refuses what is missing or damaged, naming the file', async () => {
    const load = (): unknown => new CheckpointFolder(folder).open();
    expect(load).to.throw(CheckpointError, 'latest.json does not exist');
    await new CheckpointFolder(folder).save(snapshot(3));
    const weights = join(folder, 'step-00000003', 'weights.safetensors');
    const bytes = readFileSync(weights);
    bytes[bytes.length - 2] ^= 1;
    writeFileSync(weights, bytes);
    expect(load).to.throw(CheckpointError, 'weights.safetensors is damaged');
    rmSync(weights);
    expect(load).to.throw(CheckpointError, 'weights.safetensors does not exist');
    writeFileSync(join(folder, 'step-00000003', 'state.json'), '{"step": 3}');
    expect(load).to.throw(
      CheckpointError,
      'state.json is damaged: its SHA-256 is not the one in latest.json',
    );
    writeFileSync(join(folder, 'latest.json'), '{"fold');
    expect(load).to.throw(CheckpointError, 'latest.json must be JSON');
  });

  const untrusted: [string, object, string][] = [
    ['a number for a folder', {folder: 7, step: 40}, 'must name a folder such as step-00000001, got 7'],
    ['a folder outside', {folder: '../../elsewhere', step: 3}, 'got "../../elsewhere"'],
    [
      'another step than the folder has',
      {folder: 'step-00000003', step: 4},
      'names step-00000003 for step 4',
    ],
    [
      'a step in words',
      {folder: 'step-00000003', step: '3'},
      'must hold step as a whole number from 0, got "3"',
    ],
    ['a negative step', {folder: 'step-00000003', step: -3}, 'got -3'],
  ];
  for (const [what, pointer, words] of untrusted) {
    it(`refuses a pointer with ${what}`, async () => {
      await new CheckpointFolder(folder).save(snapshot(3));
      writeFileSync(join(folder, 'latest.json'), JSON.stringify(pointer));
      expect(() => new CheckpointFolder(folder)).to.throw(CheckpointError, words);
    });
  }

  it('checks the state of a checkpoint of version 1, which has no digest', async () => {
    await new CheckpointFolder(folder).save(snapshot(3));
    const state = join(folder, 'step-00000003', 'state.json');
    const {files} = JSON.parse(readFileSync(state, 'utf8'));
    const checksums = {
      'weights.safetensors': files.weights[0].sha256,
      'optimizer.safetensors': files.optimizer[0].sha256,
    };
    writeFileSync(join(folder, 'latest.json'), '{"folder": "step-00000003", "step": 3}');
    const load = (own: object): Promise<unknown> => {
      writeFileSync(state, JSON.stringify({step: 3, cursor: 24, checksums, ...own}));
      const store = new CheckpointFolder(folder);
      expect(store.sealed).to.equal(false);
      return loadCheckpoint(store);
    };
    expect(await load({})).to.deep.equal(snapshot(3));
    for (const [own, words] of [
      [{step: 400000}, 'is of step 400000, latest.json of step 3'],
      [{cursor: '160'}, 'must hold cursor as a whole number from 0, got "160"'],
      [{cursor: 1.5}, 'got 1.5'],
      [{checksums: {}}, 'names no weights'],
      [{checksums: {...checksums, '../x': files.weights[0].sha256}}, 'for "../x"'],
    ] as const) {
      const refused = await load(own).then(
        () => undefined,
        error => error,
      );
      expect(refused).to.be.instanceOf(CheckpointError);
      expect(refused.message).to.include(words);
    }
  });

  it('writes shards and reads them back, and says which one is damaged', async () => {
    const many = (step: number): HeldSnapshot => ({
      ...snapshot(step),
      weights: Array.from({length: 5}, (_, i) => new HeldArray(`w${i}`, [3], Float32Array.of(i, step, 7))),
    });
    const store = new CheckpointFolder(folder, {shardBytes: 24});
    await store.save(many(3));
    const names = [1, 2, 3].map(i => `weights-0000${i}-of-00003.safetensors`);
    expect(readdirSync(join(folder, 'step-00000003'))).to.include.members(names);
    expect(await loadCheckpoint(new CheckpointFolder(folder))).to.deep.equal(many(3));
    const digest = store.weightsDigest();
    const uncut = new CheckpointFolder(join(folder, 'uncut'));
    await uncut.save(many(3));
    expect(digest, 'however the weights are cut').to.equal(uncut.weightsDigest());
    await store.save(many(6));
    expect(store.weightsDigest()).to.not.equal(digest);
    writeFileSync(join(folder, 'step-00000006', names[1]), 'short');
    expect(() => store.open()).to.throw(CheckpointError, names[1]);
  });

  it('removes only what it made: neither what the user keeps there nor anything behind a link', async () => {
    const victim = join(folder, 'victim');
    mkdirSync(join(victim, 'photos'), {recursive: true});
    writeFileSync(join(victim, 'diary.txt'), 'precious');
    const own = join(folder, 'checkpoint');
    symlinkSync(victim, own);
    const refused = await new CheckpointFolder(own).save(snapshot(3)).catch(error => error);
    expect(refused).to.be.instanceOf(FilePlaceError);
    expect(readdirSync(victim).sort()).to.deep.equal(['diary.txt', 'photos']);
    rmSync(own);
    const store = new CheckpointFolder(own);
    await store.save(snapshot(3));
    cpSync(join(own, 'step-00000003'), join(own, 'keep'), {recursive: true});
    writeFileSync(join(own, 'step-00000003', 'notes.txt'), 'mine');
    symlinkSync(victim, join(own, 'step-00000002'));
    symlinkSync(victim, join(own, 'draft-0123456789abcdef'));
    await store.save(snapshot(6));
    await store.save(snapshot(9));
    expect(readdirSync(own).sort()).to.deep.equal([
      'draft-0123456789abcdef',
      'keep',
      'latest.json',
      'step-00000002',
      'step-00000003',
      'step-00000009',
    ]);
    expect(readdirSync(join(own, 'step-00000003'))).to.deep.equal(['notes.txt']);
    expect(readdirSync(victim).sort()).to.deep.equal(['diary.txt', 'photos']);
  });

  it('keeps the last sound checkpoint beside later ones, and goes back to it', async () => {
    const store = new CheckpointFolder(folder);
    await store.save(snapshot(3));
    await store.save({...snapshot(6), sound: false});
    await store.save({...snapshot(9), sound: false});
    expect(readdirSync(folder).sort()).to.deep.equal(['latest.json', 'step-00000003', 'step-00000009']);
    expect(store.lastStep).to.equal(9);
    const again = new CheckpointFolder(folder);
    expect(again.retreat()).to.equal(3);
    expect(again.retreat()).to.equal(3);
    expect(await loadCheckpoint(new CheckpointFolder(folder))).to.deep.equal(snapshot(3));
    expect(new CheckpointFolder(folder).givenUp).to.equal(9);
    await again.save(snapshot(6));
    expect(readdirSync(folder).sort()).to.deep.equal(['latest.json', 'step-00000006']);
  });

  it('stays readable while it is written', async () => {
    const writer = new CheckpointFolder(folder);
    await writer.save(snapshot(1));
    const open = new CheckpointFolder(folder).open();
    await writer.save(snapshot(2));
    expect(await holdSnapshot(open)).to.deep.equal(snapshot(1));
    open.close();
    // A reader whose pointer is replaced between its two reads begins anew.
    const reader = new CheckpointFolder(folder);
    await writer.save(snapshot(3));
    expect((await loadCheckpoint(reader)).step).to.equal(3);
  });
});
