// When a loss has left its range, and what the loop makes of it.

import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {train} from '../../train/loop.js';
import {LossRange} from '../../train/loss-range.js';
import {parseTrainSettings} from '../../train/settings.js';
import type {Snapshot} from '../../train/snapshot.js';
import {MemoryStore} from '../support/snapshots.js';
import {mapTask, tinyModel} from '../support/tiny-model.js';

const holdsAfter = (losses: readonly number[]): boolean => {
  const range = new LossRange();
  for (const loss of losses) range.see(loss);
  return range.holds;
};

describe('the range of a loss', () => {
  const falling = Array.from({length: 40}, (_, i) => 3 - i / 20 + (i % 3) / 10);

  it('holds for losses that fall, waver or begin', () => {
    expect(holdsAfter([])).to.equal(true);
    expect(holdsAfter([1000, 0.1, 5])).to.equal(true);
    expect(holdsAfter(falling)).to.equal(true);
    expect(holdsAfter([...falling, 3.2])).to.equal(true);
    // Losses that hardly differ leave a tenth of themselves as room.
    const flat = new Array<number>(20).fill(2);
    expect([2.1, 2.3].map(loss => holdsAfter([...flat, loss]))).to.deep.equal([true, false]);
  });

  it('is left by a loss far above all that came, by NaN and infinity, and holds again afterwards', () => {
    for (const far of [9, 1e9, Number.NaN, Infinity]) {
      expect(holdsAfter([...falling, far]), String(far)).to.equal(false);
      expect(holdsAfter([...falling, far, far, 1.2]), String(far)).to.equal(true);
    }
  });
});

/** A store that goes back to its last sound snapshot, as checkpoint folders do. */
class RetreatingStore extends MemoryStore {
  readonly sound: number[] = [];

  override save(snapshot: Snapshot): Promise<string> {
    if (snapshot.sound !== false) this.sound.push(snapshot.step);
    return super.save(snapshot);
  }

  retreat(): number | undefined {
    this.lastStep = this.sound.at(-1);
    return this.lastStep;
  }
}

describe('a training that breaks down', () => {
  it('is to go on from before its loss left the range, and says so', async () => {
    await useBackend('cpu');
    // Every step multiplies the matrices by 1 - 0.4 x 10 = -3: the loss climbs, then is not finite.
    const settings = parseTrainSettings({
      ...{steps: 400, batch: 8, checkpointEvery: 2, evalEvery: 1000},
      ...{rate: 0.4, finalRate: 1, warmup: 0.05, clip: 0, weightDecay: 10},
    });
    const model = tinyModel();
    const store = new RetreatingStore();
    let message = '';
    let checkpointStep: number | undefined;
    for await (const event of train({model, task: mapTask(), settings, checkpoints: store}))
      if (event.type === 'stopped') ({message, checkpointStep} = event);
    model.dispose();
    expect(store.snapshots.size).to.be.above(store.sound.length);
    expect(checkpointStep).to.equal(store.sound.at(-1));
    expect(message).to.include(
      `the last good checkpoint is of step ${store.sound.at(-1)}, from before the loss left`,
    );
  });
});
