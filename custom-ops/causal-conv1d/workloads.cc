// The sizes at which the CUDA harness times this op.
#include "native/cuda/harness/workloads.h"

namespace bmojo::cuda::harness {

namespace {

Workload conv(int B, int L, int E, int K) {
  const size_t n = static_cast<size_t>(B) * L * E, state = static_cast<size_t>(B) * (K - 1) * E, taps = size_t(K) * E;
  const std::vector<double> scalars = {double(B), double(L), double(E), double(K), 1};
  return {sized("causalConv1d", {{"B", B}, {"L", L}, {"E", E}, {"K", K}}),
          {{"x", n, normal()}, {"weight", taps, normal()}, {"bias", size_t(E), normal()}, {"y", n, unwritten()},
           {"finalState", state, unwritten()}, {"gradY", n, normal()}, {"gradFinalState", state, normal()},
           {"gradX", n, unwritten()}, {"gradWeight", taps, unwritten()}, {"gradBias", size_t(E), unwritten()}},
          {{"forward", "causal_conv1d_forward", {"x", "weight", "bias", ""}, {"y", "finalState"}, scalars, 8.0 * n, 0},
           {"backward", "causal_conv1d_backward", {"x", "weight", "bias", "", "gradY", "gradFinalState"},
            {"gradX", "gradWeight", "gradBias", ""}, scalars, 12.0 * n, 0}}};
}

}  // namespace

std::vector<Workload> causalConv1dWorkloads(Extent extent) {
  if (extent == Extent::small) return {conv(2, 70, 8, 4)};
  return {conv(8, 2048, 2048, 4)};
}

}  // namespace bmojo::cuda::harness
