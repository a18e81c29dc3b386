// tf's own gradients where a bundler resolves tfjs-core's modules one by one: the gradients and nothing else.

import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
