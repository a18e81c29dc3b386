// The least training that is still a whole run: what tests of files, signals and processes ask `bmojo train mqar` for.

const words =
  '--length 16 --pairs 2 --vocab-size 16 --d-model 8 --layers 1 --heads 1 --batch 4 --eval-samples 4 --backend wasm --log-every 1';

/** Options behind `bmojo train mqar`; steps and folder are the test's own. */
export const smallRun: readonly string[] = words.split(' ');
