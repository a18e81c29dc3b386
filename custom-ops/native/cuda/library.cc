// The kernels behind two C functions, for programs in other languages (bench/pytorch).
#include "native/cuda/call.h"

namespace {

bmojo::cuda::Call callOf(const void* const* inputs, void* const* outputs, void* workspace, const double* scalars,
                         void* stream, int precision) {
  bmojo::cuda::Call call;
  call.inputs = inputs;
  call.outputs = outputs;
  call.workspace = workspace;
  call.scalars = scalars;
  call.stream = static_cast<cudaStream_t>(stream);
  call.precision = static_cast<bmojo::cuda::Precision>(precision);
  return call;
}

}  // namespace

// Bytes of workspace, or -1 when there is no kernel of that name; `precision` as of the enumeration, from 0.
extern "C" __attribute__((visibility("default"))) int64_t bmojo_cuda_workspace(const char* symbol,
                                                                              const void* const* inputs,
                                                                              const double* scalars, int precision) {
  const bmojo::cuda::Kernel* kernel = bmojo::cuda::findKernel(symbol);
  if (!kernel) return -1;
  return static_cast<int64_t>(kernel->workspaceBytes(callOf(inputs, nullptr, nullptr, scalars, nullptr, precision)));
}

// 0, or a cudaError_t.
extern "C" __attribute__((visibility("default"))) int bmojo_cuda_launch(const char* symbol, const void* const* inputs,
                                                                       void* const* outputs, void* workspace,
                                                                       const double* scalars, void* stream,
                                                                       int precision) {
  const bmojo::cuda::Kernel* kernel = bmojo::cuda::findKernel(symbol);
  if (!kernel) return cudaErrorInvalidValue;
  return kernel->launch(callOf(inputs, outputs, workspace, scalars, stream, precision));
}
