// Samples of results too large for the float64 reference: some channels of a scan, some queries and keys of an attention.
#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "native/cuda/harness/workloads.h"

namespace bmojo::cuda::harness {

struct SampleError {
  std::string quantity;
  // RMS of the difference over RMS of the float64 values, over the samples.
  double error, tolerance;
};

inline constexpr double kForward = 1e-5, kGradient = 1e-4;

struct Sum {
  double difference = 0, reference = 0;
  void add(double actual, double expected) {
    difference += (actual - expected) * (actual - expected);
    reference += expected * expected;
  }
  double error() const { return std::sqrt(difference / reference); }
};

inline std::vector<SampleError> checkSamples(const Workload& workload, const Prepared& prepared) {
  return workload.check ? workload.check(workload, prepared) : std::vector<SampleError>();
}

}  // namespace bmojo::cuda::harness
