// A check of integers that lie in device memory, without waiting for it.
#pragma once
#include "native/cuda/call.h"

namespace bmojo::cuda {

struct Bounds {
  int lowest, highest, besides;
};

// Copies integers; those outside [lowest, highest] that are not `besides` become -1, and *found one more than the flat
// index of one of them. `found` is memory that the device can write.
cudaError_t boundIntegers(const int32_t* values, int32_t* bounded, int64_t length, Bounds bounds, int32_t* found,
                          cudaStream_t stream);

}  // namespace bmojo::cuda
