// Benchmarks name what they measured, also where sizes lie closer than what is timed between them.

import {expect} from 'chai';
import {benchDecode} from '../../bench/decode.js';
import {benchMemory} from '../../bench/memory.js';
import {useBackend} from '../../custom-ops/index.js';
import {memoryInProcess} from '../../memory/index.js';

describe('sizes of benchmarks', () => {
  it('decode: the tokens that stood before the timed ones', async () => {
    await useBackend('cpu');
    const positions: number[] = [];
    const options = {presets: ['swa'] as const, positions: [4, 6, 40], fullAttentionLimit: 0, tokens: 2};
    const model = () => ({preset: 'swa' as const, vocabSize: 8, dModel: 4, heads: 1, layers: 1, window: 4});
    for await (const {position} of benchDecode({...options, model})) positions.push(position);
    // Six tokens are written at each, four of them to warm up.
    expect(positions).to.deep.equal([4, 11, 40]);
  });

  it('memory: the rows that were held when it was searched', async () => {
    const held: number[] = [];
    const places = [
      {
        name: 'process',
        open: async (format: Parameters<typeof memoryInProcess>[0]) => memoryInProcess(format),
      },
    ];
    const sizes = {width: 4, count: 2, window: 8, repeats: 3, precision: 'f32' as const};
    for await (const {rows} of benchMemory({places, rows: [10, 20, 100], ...sizes})) held.push(rows);
    expect(held).to.deep.equal([10, 34, 100]);
  });
});
