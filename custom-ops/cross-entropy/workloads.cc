// The sizes at which the CUDA harness times this op.
#include "native/cuda/harness/workloads.h"

namespace bmojo::cuda::harness {

namespace {

Workload entropy(int R, int V) {
  const size_t n = static_cast<size_t>(R) * V;
  const std::vector<double> scalars = {double(R), double(V), -100};
  return {sized("crossEntropy", {{"R", R}, {"V", V}}),
          {{"logits", n, normal()}, {"labels", size_t(R), integers(0, V)}, {"losses", size_t(R), unwritten()},
           {"logSumExp", size_t(R), unwritten()}, {"gradLosses", size_t(R), normal()}, {"gradLogits", n, unwritten()}},
          {{"forward", "cross_entropy_forward", {"logits", "labels"}, {"losses", "logSumExp"}, scalars, 4.0 * n, 0},
           {"backward", "cross_entropy_backward", {"logits", "labels", "logSumExp", "gradLosses"}, {"gradLogits"},
            scalars, 8.0 * n, 0}}};
}

}  // namespace

std::vector<Workload> crossEntropyWorkloads(Extent extent) {
  if (extent == Extent::small) return {entropy(20, 40)};
  return {entropy(16384, 32000), entropy(32768, 512)};
}

}  // namespace bmojo::cuda::harness
