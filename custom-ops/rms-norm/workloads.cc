// The sizes at which the CUDA harness times this op.
#include "native/cuda/harness/workloads.h"

namespace bmojo::cuda::harness {

namespace {

Workload norm(int rows, int D) {
  const size_t n = static_cast<size_t>(rows) * D;
  const std::vector<double> scalars = {double(rows), double(D), 1e-5};
  return {sized("rmsNorm", {{"R", rows}, {"D", D}}),
          {{"x", n, normal()}, {"gain", size_t(D), normal()}, {"y", n, unwritten()}, {"inverseRms", size_t(rows), unwritten()},
           {"gradY", n, normal()}, {"gradX", n, unwritten()}, {"gradGain", size_t(D), unwritten()}},
          {{"forward", "rms_norm_forward", {"x", "gain"}, {"y", "inverseRms"}, scalars, 8.0 * n, 0},
           {"backward", "rms_norm_backward", {"x", "gain", "inverseRms", "gradY"}, {"gradX", "gradGain"}, scalars,
            12.0 * n, 0}}};
}

}  // namespace

std::vector<Workload> rmsNormWorkloads(Extent extent) {
  if (extent == Extent::small) return {norm(20, 64)};
  return {norm(16384, 1024)};
}

}  // namespace bmojo::cuda::harness
