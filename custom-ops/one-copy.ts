// Says so when bmojo or TensorFlow.js is loaded a second time: copies share tf's lists of kernels and gradients, where each
// would run what the other has put there. And when TensorFlow.js is of a version that our kernels do not know.

import {Environment, env, version_core} from '@tensorflow/tfjs-core';
import {isNode} from './backends/environment.js';

const TFJS = '4.22.0';
const remedy = (name: string): string =>
  isNode
    ? `\`npm ls ${name}\` shows who brings the other, \`npm dedupe\` removes it`
    : `have the bundler take one ${name}`;

const KEY = Symbol.for('bmojo');

const shared = globalThis as {[KEY]?: string};
/** Where this copy lies; scripts that are no modules cannot tell. */
const here = import.meta.url ?? 'a script';
const other = shared[KEY];

if (other === undefined) shared[KEY] = here;
else
  console.warn(
    `bmojo: two copies are loaded, from ${other} and from ${here}; they share TensorFlow.js and run each other's kernels. ` +
      `Keep one: ${remedy('bmojo')} (bundlers: resolve.dedupe, one entry)`,
  );

if (version_core !== TFJS)
  console.warn(
    `bmojo: TensorFlow.js is ${version_core} and must be ${TFJS}, whose backends our kernels compute in: ` +
      `have every @tensorflow/tfjs package at ${TFJS}`,
  );
if (!(env() instanceof Environment))
  console.warn(
    'bmojo: two copies of TensorFlow.js are loaded, which share their backends but not their classes of tensors and layers. ' +
      `Keep one, of version ${TFJS}: ${remedy('@tensorflow/tfjs-core')}`,
  );
