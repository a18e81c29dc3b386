// Keys of tfjs's programs that leave out what their code depends on.

import type {StockProgram} from '../dispatch/recorder.js';

/**
 * tfjs's running sums and products write the length of a row into their code and not into their key, so that rows of another
 * length would get this one's pipeline: here the key has it too.
 */
export function completeKey(program: StockProgram): void {
  const {shaderKey, outputShape} = program;
  if (/^cum_.*_(true|false)$/.test(shaderKey))
    Object.assign(program, {shaderKey: `${shaderKey}_${outputShape[outputShape.length - 1]}`});
}
