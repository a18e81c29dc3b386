// What `bmojo model info` says of a model's layers.

import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';
import {layerWords} from '../../cli/layer-words.js';
import {parseModelConfig} from '../../models/config.js';
import {describeCheckpoint} from '../../models/hugging-face/checkpoint.js';

const golden = join(import.meta.dirname, '../../../test/golden/hf');

describe('the layers of a model in words', () => {
  for (const [settings, words] of [
    [{preset: 'bmojo', layers: 1}, '1 layer (2 heads, window 32, fading tokens of Mamba, 32 eidetic slots)'],
    [{preset: 'mamba2'}, '2 layers (Mamba-2)'],
    [{preset: 'transformer', heads: 1}, '2 layers (1 head, window all)'],
    [{preset: 'bmojo', pattern: 'ST'}, '2 layers (1 of Mamba; 1 of 2 heads, window all)'],
  ] as const)
    it(`${JSON.stringify(settings)}`, () => {
      expect(layerWords(parseModelConfig(settings))).to.equal(words);
    });

  for (const [folder, words] of [
    ['lfm2', '4 layers (3 of a gated short convolution; 1 of 4 heads, window all)'],
    ['granite-hybrid', '4 layers (3 of Mamba-2; 1 of 4 heads, window all)'],
    ['falcon-h1', '2 layers (Mamba-2, 4 heads, window all)'],
  ] as const)
    it(`${folder} of the Hub`, () => {
      const config = JSON.parse(readFileSync(join(golden, folder, 'config.json'), 'utf8'));
      expect(layerWords(describeCheckpoint(folder, config).settings)).to.equal(words);
    });
});
