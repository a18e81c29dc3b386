// tfjs splits by one dispatch for each part. Of a few numbers a dispatch is all that a part costs: here one writes all parts.

import type {KernelFunc, NamedAttrMap, TensorInfo} from '@tensorflow/tfjs-core';
import {backend_util, util} from '@tensorflow/tfjs-core';
import {product} from '../../../sampling.js';
import {elementwisePass} from '../../../wgsl/elementwise.js';
import type {GpuLimits, Pass} from '../../../wgsl/plan.js';
import {dispatchPass} from '../dispatch/dispatcher.js';
import {asRecorder} from '../dispatch/recorder.js';

/** Numbers above which what a split costs is moving them. */
const MOST_NUMBERS = 2 ** 16;

function splitPass(rows: number, sizes: readonly number[], limits: GpuLimits): Pass {
  const width = sizes.reduce((sum, size) => sum + size, 0);
  let end = 0;
  const stores = sizes.map((size, part) => {
    const begin = end;
    end += size;
    return `if (column < ${end}u) { part${part}[row * ${size}u + column - ${begin}u] = x[index]; }`;
  });
  return elementwisePass(
    {
      name: 'split',
      read: {x: 'u32'},
      write: Object.fromEntries(sizes.map((_, part) => [`part${part}`, 'u32' as const])),
      count: rows * width,
      body: `let row = index / ${width}u;
  let column = index % ${width}u;
  ${stores.join(' else ')}`,
    },
    limits,
  );
}

/** In place of tfjs's own kernel, which does what is left: other axes than the last, many numbers or none, more parts than bindings. */
export function splitAtOnce(stock: KernelFunc): KernelFunc {
  return ({inputs, attrs, backend}) => {
    const x = inputs.x as TensorInfo;
    const {numOrSizeSplits, axis} = attrs as NamedAttrMap & {
      readonly numOrSizeSplits: number | number[];
      readonly axis: number;
    };
    const [along] = util.parseAxisParam(axis, x.shape);
    const sizes = backend_util.prepareSplitSize(x, numOrSizeSplits, along);
    const {maxStorageBuffersPerShaderStage: most} = asRecorder(backend).device.limits;
    const isOne =
      ['float32', 'int32'].includes(x.dtype) &&
      product(x.shape.slice(along + 1)) === 1 &&
      product(x.shape) <= MOST_NUMBERS &&
      sizes.length < most &&
      !x.shape.includes(0) &&
      !sizes.includes(0);
    if (!isOne) return stock({inputs, attrs, backend});
    const rows = product(x.shape.slice(0, along));
    const shapes = sizes.map(size => x.shape.map((whole, dimension) => (dimension === along ? size : whole)));
    return dispatchPass(backend as object, `split ${rows} ${sizes.join()}`, {
      pass: limits => splitPass(rows, sizes, limits),
      inputs: [x],
      outputs: shapes.map(shape => ({shape, dtype: x.dtype})),
    });
  };
}
