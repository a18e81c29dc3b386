// Tables of the CUDA kernels: by symbol, what each is called with by place, and the sizes that the harness times.
import {camel, foldersOf, NOTE, pascal} from './registry.mjs';

/** [{symbol, inputs, outputs, scalars}] of every CUDA kernel. */
function kernelsOf(ops) {
  return ops
    .filter(({op}) => !op.composedOnCuda)
    .flatMap(({op, forward, backward}) => [
      {...op.forward.native, ...forward},
      ...(backward === undefined ? [] : [{...op.backward.native, ...backward}]),
    ]);
}

/** `B L` as `BL`, `*` as `elements`. */
const identifier = scalar => (scalar === '*' ? 'elements' : scalar.replaceAll(' ', ''));

function places({symbol, inputs, outputs, scalars}) {
  const row = ports =>
    ports.length === 0 ? [] : [`  enum : int { ${ports.map(({name}) => name).join(', ')} };`];
  return [
    `struct ${pascal(camel(symbol))} {`,
    ...row(inputs),
    ...row(outputs),
    `  struct Scalar { enum : int { ${scalars.map(identifier).join(', ')} }; };`,
    '};',
  ].join('\n');
}

export function cudaHeader(ops) {
  const kernels = kernelsOf(ops);
  return `// ${NOTE}
#pragma once
#include "native/cuda/call.h"

namespace bmojo::cuda {

// Places in Call::inputs, Call::outputs and Call::scalars, by kernel.
namespace ports {

${kernels.map(places).join('\n\n')}

}  // namespace ports

// Each in its op's kernel.cu.
${kernels.map(({symbol}) => `extern const Kernel ${camel(symbol)};`).join('\n')}

}  // namespace bmojo::cuda
`;
}

export function cudaKernels(ops) {
  const entries = kernelsOf(ops).map(({symbol}) => `    {"${symbol}", ${camel(symbol)}},`);
  return `// ${NOTE}
#include "native/cuda/kernels.generated.h"

#include <cstring>

namespace bmojo::cuda {

const Kernel* findKernel(const char* symbol) {
  static constexpr struct {
    const char* symbol;
    const Kernel& kernel;
  } kernels[] = {
${entries.join('\n')}
  };
  for (const auto& entry : kernels) {
    if (std::strcmp(entry.symbol, symbol) == 0) return &entry.kernel;
  }
  return nullptr;
}

}  // namespace bmojo::cuda
`;
}

/** By convention those of folder adam-w are adamWWorkloads of its workloads.cc. */
export function cudaWorkloads(ops) {
  const names = foldersOf(ops.filter(({has}) => has('workloads.cc'))).map(
    folder => `${camel(folder)}Workloads`,
  );
  return `// ${NOTE}
#include "native/cuda/harness/workloads.h"

namespace bmojo::cuda::harness {

${names.map(name => `std::vector<Workload> ${name}(Extent extent);\n`).join('')}
std::vector<Workload> workloads(Extent extent) {
  std::vector<Workload> all;
  for (const auto of : {${names.join(', ')}}) {
    for (Workload& workload : of(extent)) all.push_back(std::move(workload));
  }
  return all;
}

}  // namespace bmojo::cuda::harness
`;
}
