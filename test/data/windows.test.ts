import {expect} from 'chai';
import {memoryTokens} from '../../data/token-source.js';
import {readWindows, WindowError, WindowIndex} from '../../data/windows.js';

const documents = [
  [0, 1, 2, 3, 4, 5],
  [10, 11],
  [20, 21, 22, 23],
];
const source = memoryTokens(documents, 30, 12);

describe('windows', () => {
  it('lie within documents, every one of them exactly once', () => {
    const index = new WindowIndex(source, 3);
    expect(index.count).to.equal(3 + 1);
    expect(Array.from({length: index.count}, (_, i) => index.start(i))).to.deep.equal([0, 1, 2, 8]);
    expect(index.unused).to.be.closeTo(2 / 12, 1e-12);
  });

  it('cross borders when asked', () => {
    const index = new WindowIndex(source, 3, {crossBorders: true});
    expect(index.count).to.equal(9);
    expect(index.unused).to.equal(0);
  });

  it('are a function of seed and index, uniform over the windows', () => {
    const index = new WindowIndex(source, 3);
    const draw = (seed: number) => Array.from({length: 4000}, (_, i) => index.randomStart(seed, i));
    expect(draw(1)).to.deep.equal(draw(1));
    expect(draw(1)).to.not.deep.equal(draw(2));
    for (const start of [0, 1, 2, 8])
      expect(draw(3).filter(drawn => drawn === start).length / 4000).to.be.closeTo(0.25, 0.03);
  });

  it('read inputs and the tokens after them', () => {
    const {size, length, tokens, labels} = readWindows(source, [1, 8], 3);
    expect([size, length]).to.deep.equal([2, 3]);
    expect([...tokens]).to.deep.equal([1, 2, 3, 20, 21, 22]);
    expect([...labels]).to.deep.equal([2, 3, 4, 21, 22, 23]);
  });

  it('are spread without overlap for scoring', () => {
    const long = memoryTokens([Array.from({length: 100}, (_, i) => i)], 100, 100);
    expect(new WindowIndex(long, 10).spread(100)).to.deep.equal([0, 10, 20, 30, 40, 50, 60, 70, 80]);
    expect(new WindowIndex(long, 10).spread(3)).to.deep.equal([0, 30, 60]);
  });

  it('say when no document is long enough', () => {
    expect(() => new WindowIndex(source, 6)).to.throw(WindowError, 'more than 6 tokens');
    expect(() => new WindowIndex(source, 12, {crossBorders: true})).to.throw(WindowError);
  });
});
