import type {ModelConfig} from '../../config.js';
import type {Layout} from '../layout.js';
import {same} from '../layout.js';

/** Every model of this package under its own names: `bmojo` in config.json holds all of its settings. */
export const bmojo: Layout = {
  modelType: 'bmojo',
  architecture: 'BMojoForCausalLM',
  // Checked where all settings are, setting by setting.
  settings: config => config.inner('bmojo').values as Partial<ModelConfig>,
  places: () => name => same(name),
  describe: config => ({
    vocab_size: config.vocabSize,
    hidden_size: config.dModel,
    num_hidden_layers: config.layers,
    tie_word_embeddings: config.tieHead,
    bmojo: config,
  }),
};
