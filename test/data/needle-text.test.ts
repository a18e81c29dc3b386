import {expect} from 'chai';
import {SettingError} from '../../config/schema.js';
import {leastNeedleTokens, needleKinds, needleText} from '../../data/needle-text.js';
import {byteTokenizer} from '../../data/tokenizers/index.js';

const tokenizer = byteTokenizer();
const draw = (kind: (typeof needleKinds)[number], depth: number, index = 0, length = 4000) => {
  const {ids, begin, distance} = needleText({kind, length, depth, seed: 1, index}, tokenizer);
  return {
    text: tokenizer.decode(ids),
    prompt: tokenizer.decode(ids.slice(0, begin)),
    answer: tokenizer.decode(ids.slice(begin)),
    distance,
  };
};

describe('needles as text', () => {
  for (const kind of needleKinds) {
    it(`${kind}: the answer is every number of the key asked for, and the prompt is full`, () => {
      for (let index = 0; index < 10; index++) {
        const {text, prompt, answer} = draw(kind, 0.5, index);
        expect(text.length).to.be.within(4000 - 91, 4000);
        const key = /\? The special magic numbers? for (\S+) mentioned/.exec(prompt)?.[1];
        const needles = [...prompt.matchAll(/magic numbers for (\S+) is: (\d{7})\./g)];
        expect(needles).to.have.lengthOf(kind === 'single' ? 1 : 4);
        const wanted = needles.filter(([, name]) => name === key).map(([, , value]) => value);
        expect(wanted).to.have.lengthOf(kind === 'multi-value' ? 4 : 1);
        expect([...answer.matchAll(/\d{7}/g)].map(([value]) => value)).to.deep.equal(wanted);
        expect(answer.startsWith(' ')).to.equal(true);
      }
    });
  }

  it('puts the needle at the depth asked for and tells the distance', () => {
    for (const [depth, least, most] of [
      [0, 3500, 4000],
      [0.5, 1800, 2300],
      [1, 100, 400],
    ]) {
      const {prompt, distance} = draw('single', depth);
      const at = prompt.indexOf('One of the special');
      expect(prompt.length - at).to.be.closeTo(distance, 2);
      expect(distance).to.be.within(least, most);
    }
  });

  it('is the same each time, other for other samples, and refuses lengths that hold no needle', () => {
    expect(draw('single', 0.5, 3).text).to.equal(draw('single', 0.5, 3).text);
    expect(draw('single', 0.5, 3).answer).not.to.equal(draw('single', 0.5, 4).answer);
    expect(() => draw('single', 0.5, 0, 100)).to.throw(SettingError, 'needle-text: length must be at least');
  });

  it('says before anything is computed how many tokens a grid needs', () => {
    const {kind, tokens} = leastNeedleTokens({kinds: needleKinds, samples: 3, seed: 1}, tokenizer);
    const lengths = (length: number) => (): void => {
      for (let index = 0; index < 3; index++) draw(kind, 0.5, index, length);
    };
    expect(lengths(tokens)).to.not.throw();
    expect(lengths(tokens - 1)).to.throw(SettingError, `length must be at least ${tokens}`);
    for (const other of needleKinds) expect(() => draw(other, 0, 2, tokens)).to.not.throw();
  });
});
