import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {CheckpointError, CheckpointFolder} from '../../experiments/checkpoint-folder.js';
import type {Snapshot} from '../../train/snapshot.js';

const snapshot = (step: number): Snapshot => ({
  step,
  cursor: 8 * step,
  weights: [{name: 'block_0/q_proj', shape: [2, 2], data: Float32Array.of(step, -0, 1e-30, 2)}],
  optimizer: [{name: 'mean/block_0/q_proj', shape: [2, 2], data: Float32Array.of(0.1, 0.2, 0.3, step)}],
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
    const loaded = again.load();
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
      expect(new CheckpointFolder(folder).load()).to.deep.equal(snapshot(3));
    }
    await new CheckpointFolder(folder).save(snapshot(6));
    expect(new CheckpointFolder(folder).load()).to.deep.equal(snapshot(6));
  });

  it('refuses what is missing or damaged, naming the file', async () => {
    const load = (): unknown => new CheckpointFolder(folder).load();
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
    expect(load).to.throw(CheckpointError, 'state.json must hold step, cursor, checksums');
    writeFileSync(join(folder, 'latest.json'), '{"fold');
    expect(load).to.throw(CheckpointError, 'latest.json cannot be read');
  });
});
