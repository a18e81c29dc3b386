import {expect} from 'chai';
import {languageFamily} from '../../experiments/families/language.js';
import {beyondContextWords} from '../../models/beyond-context.js';
import {parseModelConfig} from '../../models/config.js';

describe('text beyond the trained context', () => {
  const words = (given: object, trained = 64) => beyondContextWords(parseModelConfig(given), trained);

  it('is warned of where attention meets distances that it never saw', () => {
    expect(words({rotaryBase: 10000}))
      .to.include('rotary base of 10000')
      .and.include('--rotary-base 100');
    expect(words({rotaryBase: 10000}, 512))
      .to.include('beyond the 512 tokens')
      .and.include('123 times as long');
    for (const trained of [1, 16, 64, 512, 2048]) {
      const [, base] = /--rotary-base (\d+)/.exec(words({rotaryBase: 1e6}, trained) ?? '') ?? [];
      expect(words({rotaryBase: Number(base)}, Math.max(2, trained)), `advice for ${trained} helps`).to.equal(
        undefined,
      );
    }
    expect(words({preset: 'transformer', rotaryBase: 100})).to.include('full attention');
  });

  it('is not where nothing reaches that far, or every wavelength was met', () => {
    expect(words({rotaryBase: 100})).to.equal(undefined);
    expect(words({rotaryBase: 10000}, 8192)).to.equal(undefined);
    for (const preset of ['mamba', 'swa', 'bmojo-f', 'hybrid'])
      expect(words({preset}), preset).to.equal(undefined);
    expect(words({preset: 'bmojo-paper'}), 'no positions').to.equal(undefined);
  });

  it('holds by the defaults of train lm', () => {
    const {modelDefaults, schema} = languageFamily;
    expect(words(modelDefaults, Number(schema.context.default))).to.equal(undefined);
  });
});
