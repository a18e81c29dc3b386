import {expect} from 'chai';
import {languageFamily} from '../../experiments/families/language.js';
import {beyondContextWords} from '../../models/beyond-context.js';
import {parseModelConfig} from '../../models/config.js';

describe('text beyond the trained context', () => {
  const words = (given: object, trained = 64) => beyondContextWords(parseModelConfig(given), trained);

  it('is warned of where attention meets distances that it never saw', () => {
    expect(words({rotaryBase: 10000}))
      .to.include('decays at a rotary base of 10000')
      .and.include('--rotary-base 100');
    expect(words({rotaryBase: 10000}, 512)).to.include('beyond the 512 tokens');
    expect(words({preset: 'transformer', rotaryBase: 100})).to.include('full attention');
    const stored = {preset: 'bmojo-f', eideticSlots: 0, storage: 4, rotaryBase: 100} as const;
    expect(words({...stored, storagePositions: 'true'})).to.include('--storage-positions clamped');
    expect(words(stored)).to.equal(undefined);
  });

  it('is warned of with advice that changes what it says, whatever the trained length', () => {
    for (const trained of [2, 16, 64, 512, 2048]) {
      const [, base] = /--rotary-base (\d+)/.exec(words({rotaryBase: 1e6}, trained) ?? '') ?? [];
      expect(words({rotaryBase: Number(base)}, trained), `${trained}`).to.include('may rise, by hundredths');
    }
  });

  it('is not where nothing reaches that far, or every wavelength was met often', () => {
    expect(words({rotaryBase: 100}, 512 * 16), 'trained with 16 segments').to.equal(undefined);
    for (const preset of ['mamba', 'swa', 'bmojo-f', 'hybrid'])
      expect(words({preset}), preset).to.equal(undefined);
    expect(words({preset: 'bmojo-paper'}), 'no positions').to.equal(undefined);
  });

  it('may rise by the defaults of train lm, which is said', () => {
    const {modelDefaults, schema} = languageFamily;
    expect(words(modelDefaults, Number(schema.context.default))).to.include('may rise, by hundredths');
  });
});
