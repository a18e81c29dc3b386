// Says so when bmojo is loaded a second time: copies share tf's lists of kernels and gradients, where each would run what the
// other has put there.

const KEY = Symbol.for('bmojo');

const shared = globalThis as {[KEY]?: string};
/** Where this copy lies; scripts that are no modules cannot tell. */
const here = import.meta.url ?? 'a script';
const other = shared[KEY];

if (other === undefined) shared[KEY] = here;
else
  console.warn(
    `bmojo: two copies are loaded, from ${other} and from ${here}; they share TensorFlow.js and run each other's kernels. ` +
      'Keep one: `npm ls bmojo` shows who brings the other, `npm dedupe` or the bundler (resolve.dedupe, one entry) removes it',
  );

export {};
