// The sizes at which the CUDA harness times this op.
#include "native/cuda/harness/workloads.h"

namespace bmojo::cuda::harness {

namespace {

Workload innovation(int B, int L, int D) {
  const size_t n = static_cast<size_t>(B) * L * D;
  return {sized("innovationScores", {{"B", B}, {"L", L}, {"D", D}}),
          {{"y", n, normal()}, {"scores", static_cast<size_t>(B) * L, unwritten()}},
          {{"forward", "innovation_scores", {"y"}, {"scores"}, {double(B), double(L), double(D), 4}, 4.0 * n, 0}}};
}

}  // namespace

std::vector<Workload> innovationScoresWorkloads(Extent extent) {
  if (extent == Extent::small) return {innovation(2, 20, 8)};
  return {innovation(4, 8192, 1024)};
}

}  // namespace bmojo::cuda::harness
