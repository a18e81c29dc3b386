import {expect} from 'chai';
import {randomStream, threefry, weightedDistinct} from '../../data/random.js';

describe('random streams', () => {
  it('threefry gives the known answers of its authors', () => {
    const words = new Uint32Array(2);
    const block = (k0: number, k1: number, c0: number, c1: number): string => {
      threefry(k0, k1, c0, c1, words);
      return [...words].map(word => word.toString(16).padStart(8, '0')).join(' ');
    };
    expect(block(0, 0, 0, 0)).to.equal('6b200159 99ba4efe');
    expect(block(-1, -1, -1, -1)).to.equal('1cb996fc bb002be7');
    expect(block(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)).to.equal('c4923a9c 483df7a0');
  });

  it('uniform numbers have the moments of the uniform distribution', () => {
    const random = randomStream([1, 2], 3);
    const draws = Array.from({length: 20000}, () => random.uniform());
    const mean = draws.reduce((a, b) => a + b) / draws.length;
    const square = draws.reduce((a, b) => a + b * b, 0) / draws.length;
    expect(mean).to.be.closeTo(1 / 2, 4 * Math.sqrt(1 / 12 / 20000));
    expect(square).to.be.closeTo(1 / 3, 4 * Math.sqrt(4 / 45 / 20000));
    expect(draws.every(x => x > 0 && x < 1)).to.equal(true);
  });

  it('distinct integers are distinct, in range and reach every order', () => {
    const random = randomStream([9, 9], 0);
    const seen = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const drawn = random.distinct(2, 3);
      seen.set(drawn.join(), (seen.get(drawn.join()) ?? 0) + 1);
    }
    expect([...seen.keys()].sort()).to.deep.equal(['0,1', '0,2', '1,0', '1,2', '2,0', '2,1']);
    for (const count of seen.values()) expect(count).to.be.within(880, 1120); // 1000 +- 4 sigma
  });

  it('weighted draws follow successive sampling without replacement', () => {
    // Weights 4, 2, 1: P(first = 0) = 4/7; P(0 then 1) = 4/7 * 2/3.
    const random = randomStream([5, 5], 5);
    const logWeights = [4, 2, 1].map(Math.log);
    let first = 0;
    let both = 0;
    const trials = 20000;
    for (let i = 0; i < trials; i++) {
      const [a, b] = weightedDistinct(random, logWeights, 2);
      if (a === 0) first++;
      if (a === 0 && b === 1) both++;
    }
    expect(first / trials).to.be.closeTo(4 / 7, 0.014);
    expect(both / trials).to.be.closeTo(8 / 21, 0.014);
  });
});
