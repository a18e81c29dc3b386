// Samples of results too large for the float64 reference: some channels of a scan, some queries and keys of an attention.
#pragma once
#include <string>
#include <vector>

#include "native/cuda/harness/workloads.h"

namespace bmojo::cuda::harness {

struct SampleError {
  std::string quantity;
  // RMS of the difference over RMS of the float64 values, over the samples.
  double error, tolerance;
};

// After forward and backward have run in float32.
std::vector<SampleError> checkSamples(const Workload& workload, const Prepared& prepared);

}  // namespace bmojo::cuda::harness
