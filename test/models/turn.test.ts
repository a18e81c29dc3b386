// Long computations let others have their turn, with frames or without.

import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';
import {nextTurn} from '../../models/turn.js';

const root = join(import.meta.dirname, '../../..');

describe("the event loop's next turn", () => {
  const {setImmediate} = globalThis;
  afterEach(() => {
    globalThis.setImmediate = setImmediate;
  });

  for (const [where, has] of [
    ['in Node', setImmediate],
    ['in a browser', undefined],
  ] as const)
    it(`lets a message come first that waits, ${where}`, async () => {
      const {port1, port2} = new MessageChannel();
      const seen: string[] = [];
      port1.onmessage = ({data}) => {
        seen.push(data);
        port1.close();
      };
      port2.postMessage('pause');
      Object.assign(globalThis, {setImmediate: has});
      for (let turns = 0; turns < 3 && seen.length === 0; turns++) await nextTurn();
      expect(seen).to.deep.equal(['pause']);
    });

  it('is what every loop waits for: a frame comes late, and in a hidden tab never', () => {
    const loops = ['train', 'eval', 'models'].flatMap(folder =>
      readdirSync(join(root, folder), {recursive: true, encoding: 'utf8'})
        .filter(path => path.endsWith('.ts'))
        .map(path => join(folder, path)),
    );
    expect(loops).to.include(join('train', 'loop.ts'));
    expect(loops.filter(path => /nextFrame/.test(readFileSync(join(root, path), 'utf8')))).to.deep.equal([]);
  });
});
