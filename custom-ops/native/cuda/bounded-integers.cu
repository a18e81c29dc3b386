#include "native/cuda/bounded-integers.h"

#include "native/cuda/elementwise.cuh"

namespace bmojo::cuda {

namespace {

__global__ void boundKernel(const int32_t* __restrict__ values, int32_t* __restrict__ bounded, int64_t length,
                            Bounds bounds, int32_t* found) {
  for (int64_t i = firstElement(); i < length; i += elementStride()) {
    const int32_t value = values[i];
    const bool isWithin = (value >= bounds.lowest && value <= bounds.highest) || value == bounds.besides;
    bounded[i] = isWithin ? value : -1;
    if (!isWithin) *found = static_cast<int32_t>(i + 1);
  }
}

}  // namespace

cudaError_t boundIntegers(const int32_t* values, int32_t* bounded, int64_t length, Bounds bounds, int32_t* found,
                          cudaStream_t stream) {
  return launch(boundKernel, elementGrid(length), kElementThreads, 0, stream, values, bounded, length, bounds, found);
}

}  // namespace bmojo::cuda
