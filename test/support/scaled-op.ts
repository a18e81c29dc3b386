// The smallest operator that is whole: y = factor * x. Its folder as CONTRIBUTING.md tells how to write one, for the test
// that adds it to a copy of the tree.

export const scaledLine = "export {scaledOp as scaled} from './scaled/definition.js';";

/** Files of custom-ops/scaled. */
export const scaledFiles: Readonly<Record<string, string>> = {
  'README.md': '# scaled\n\ny = factor x; gradX = factor gradY.\n',
  'attributes.ts': 'export type ScaledAttributes = {\n  readonly factor: number;\n};\n',
  'reference.ts': `import type {HostCall} from '../op.js';
import type {ScaledAttributes} from './attributes.js';

export function forward({inputs: {x}, outputs: {y}, attrs: {factor}}: HostCall<ScaledAttributes>): void {
  for (let i = 0; i < y.length; i++) y[i] = factor * x[i];
}

export function backward({inputs: {gradY}, outputs: {gradX}, attrs: {factor}}: HostCall<ScaledAttributes>): void {
  for (let i = 0; i < gradX.length; i++) gradX[i] = factor * gradY[i];
}
`,
  'composed.ts': `import {mul} from '@tensorflow/tfjs-core';
import type {NamedTensors} from '../op.js';
import type {ScaledAttributes} from './attributes.js';

export function composed({x}: NamedTensors, {factor}: ScaledAttributes): NamedTensors {
  return {y: mul(x, factor)};
}
`,
  'definition.ts': `import {checkNumber} from '../check.js';
import type {OpDefinition} from '../op.js';
import type {ScaledAttributes} from './attributes.js';
import {composed} from './composed.js';
import {backward, forward} from './reference.js';

const scalars = ['B L D', 'factor'];

export const scaledOp: OpDefinition<ScaledAttributes> = {
  name: 'scaled',
  inputs: {x: {shape: 'B L D', dtype: 'float32', differentiable: true}},
  outputs: {y: {shape: 'B L D', dtype: 'float32', role: 'result'}},
  attributes: {factor: {type: 'float'}},
  checkAttributes: ({factor}) => {
    checkNumber('scaled', 'factor', factor);
  },
  forward: {reference: forward, native: {symbol: 'scaled_forward', scalars}},
  backward: {reference: backward, native: {symbol: 'scaled_backward', scalars}},
  composed,
  cases: [{name: 'odd', dims: {B: 2, L: 7, D: 13}, attrs: {factor: -1.5}, use: 'test'}],
};
`,
  'index.ts': `import type {Tensor3D} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import {scaledOp} from './definition.js';

/** factor * x; x [B, L, D]. */
export function scaled(x: Tensor3D, factor: number): Tensor3D {
  return runOp(scaledOp, {x}, {factor}).y as Tensor3D;
}
`,
  'kernel.h': `#pragma once
#include "native/simd.h"

namespace bmojo {

static inline void scale(const float* x, float* y, float factor, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; i++) y[i] = factor * x[i];
}

}  // namespace bmojo

BMOJO_EXPORT(scaled_forward)
void scaled_forward(const float* x, float* y, int n, float factor) { bmojo::scale(x, y, factor, 0, n); }

BMOJO_EXPORT(scaled_backward)
void scaled_backward(const float*, const float* gradY, float* gradX, int n, float factor) {
  bmojo::scale(gradY, gradX, factor, 0, n);
}
`,
  'op_tf.cc': `#include "native/tensorflow/operator.h"
#include "scaled/kernel.h"

namespace bmojo {

static void run(Call& call, const float* x, float* y) {
  const int64_t length = (int64_t)call.size("B") * call.size("L") * call.size("D");
  const int64_t parts = partsOf(length, 1 << 14, 256);
  call.pool.run(parts, [&](int64_t part, int) {
    const Part range = partOf(length, parts, part, 64);
    scale(x, y, (float)call.values.number("factor"), range.begin, range.end);
  });
}

void implementScaled(Operator& op) {
  op.forward = [](Call& call) { run(call, call.input("x"), call.output("y")); };
  op.backward = [](Call& call) { run(call, call.input("gradY"), call.output("gradX")); };
}

}  // namespace bmojo
`,
  'kernel.wgsl.ts': `import {elementwisePass} from '../wgsl/elementwise.js';
import type {GpuKernel} from '../wgsl/plan.js';
import {floatLiteral} from '../wgsl/plan.js';
import type {ScaledAttributes} from './attributes.js';

function scale(from: string, to: string): GpuKernel<ScaledAttributes>['forward'] {
  return ({dims: {B, L, D}, attrs: {factor}, limits}) => ({
    passes: [
      elementwisePass(
        {
          name: \`scaled \${to}\`,
          read: {[from]: 'f32'},
          write: {[to]: 'f32'},
          count: B * L * D,
          body: \`\${to}[index] = \${floatLiteral(factor)} * \${from}[index];\`,
        },
        limits,
      ),
    ],
  });
}

export const scaledGpu: GpuKernel<ScaledAttributes> = {forward: scale('x', 'y'), backward: scale('gradY', 'gradX')};
`,
  'kernel.cu': `#include "native/cuda/elementwise.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

namespace {

__global__ void scaleKernel(const float* __restrict__ x, float* __restrict__ y, int64_t count, float factor) {
  for (int64_t i = firstElement(); i < count; i += elementStride()) y[i] = factor * x[i];
}

cudaError_t scale(const Call& call, const float* x, float* y) {
  using S = ports::ScaledForward::Scalar;
  const int64_t count = call.integer(S::BLD);
  return launch(scaleKernel, elementGrid(count), kElementThreads, 0, call.stream, x, y, count, call.number(S::factor));
}

cudaError_t runForward(const Call& call) {
  using P = ports::ScaledForward;
  return scale(call, call.in(P::x), call.out(P::y));
}

cudaError_t runBackward(const Call& call) {
  using P = ports::ScaledBackward;
  return scale(call, call.in(P::gradY), call.out(P::gradX));
}

}  // namespace

const Kernel scaledForward = {runForward};
const Kernel scaledBackward = {runBackward};

}  // namespace bmojo::cuda
`,
};
