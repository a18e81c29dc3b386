// The sizes at which the CUDA harness times this op.
#include "native/cuda/harness/workloads.h"

namespace bmojo::cuda::harness {

namespace {

Workload adam(size_t n) {
  return {sized("adamW", {{"n", static_cast<int>(n)}}),
          {{"parameter", n, normal()}, {"gradient", n, normal()}, {"firstMoment", n, normal()},
           {"secondMoment", n, uniform(0, 1)}},
          {{"step", "adam_w", {"parameter", "gradient", "firstMoment", "secondMoment", "", ""}, {},
            {double(n), 0.9, 0.1, 0.95, 0.05, 1e-8, 0.9999, 1e-3, 1.0, 1e-3, 1000, -0.105, -0.0513}, 28.0 * n, 0}}};
}

}  // namespace

std::vector<Workload> adamWWorkloads(Extent extent) {
  if (extent == Extent::small) return {adam(256)};
  return {adam(size_t{1} << 26)};
}

}  // namespace bmojo::cuda::harness
