// The store in memory alone: the contract, and halves.

import {expect} from 'chai';
import {createRowSearch} from '../../custom-ops/exact-search/row-search.js';
import {fromHalves, toHalf} from '../../formats/half.js';
import {InProcessMemory} from '../../memory/in-process.js';
import {storeContract} from './contract.js';

storeContract({
  name: 'memory in process',
  durable: false,
  place: () => ({
    open: async (format, options) => {
      if (format === undefined) throw new Error('a store in memory needs a format');
      return new InProcessMemory(format, options);
    },
    remove: () => {},
  }),
});

storeContract({
  name: 'memory in process, searched by the kernel of exactSearch',
  durable: false,
  place: () => ({
    open: async (format, options) => {
      if (format === undefined) throw new Error('a store in memory needs a format');
      return new InProcessMemory(format, {...options, rowSearch: await createRowSearch()});
    },
    remove: () => {},
  }),
});

describe('halves', () => {
  const numberOf = (half: number): number => {
    const into = new Float32Array(1);
    fromHalves(Uint16Array.of(half), 0, 1, into, 0);
    return into[0];
  };

  it('all 63,488 finite ones are read as IEEE 754 defines them, and come back', () => {
    for (let half = 0; half < 1 << 16; half++) {
      const [exponent, fraction] = [(half >> 10) & 31, half & 1023];
      if (exponent === 31) continue;
      const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
      const value = half & 0x8000 ? -size : size;
      expect(numberOf(half)).to.equal(value);
      expect(toHalf(value)).to.equal(half);
    }
  });

  it('numbers between two become the nearer, and in the middle the even one', () => {
    for (let half = 0; half < 0x7bff; half++) {
      const [low, high] = [numberOf(half), numberOf(half + 1)];
      const middle = (low + high) / 2;
      expect(toHalf(middle)).to.equal(half % 2 === 0 ? half : half + 1);
      const step = (high - low) * 2 ** -10;
      expect([toHalf(middle - step), toHalf(middle + step)]).to.deep.equal([half, half + 1]);
    }
  });
});
