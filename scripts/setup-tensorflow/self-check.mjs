// Starts the backend as a user does and compares every operator's first case with its float64 definition.

import {startTensorFlow, usesGpu} from '../../dist/custom-ops/backends/tensorflow/index.js';
import {useBackend} from '../../dist/custom-ops/index.js';
import {opList} from '../../dist/custom-ops/op-list.js';
import {deviations} from '../../dist/custom-ops/parity.js';

try {
  await useBackend('tensorflow');
  const off = [];
  for (const op of opList) {
    const found = await deviations(op, op.cases.filter(({use}) => use === 'test').at(-1));
    for (const {quantity, error, isWithin} of found)
      if (!isWithin) off.push(`${op.name}.${quantity}: ${error}`);
  }
  if (off.length > 0) throw new Error(`these differ from their definitions: ${off.join(', ')}`);
  const {threads, lanes, cuda} = startTensorFlow();
  const where = usesGpu() ? 'on the GPU' : `on ${threads} threads, vectors of ${lanes} floats`;
  console.log(`${opList.length} operators agree with their definitions, ${where}`);
  if (cuda && !usesGpu())
    console.log('CUDA kernels are registered too; TensorFlow sees no GPU to run them on');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
