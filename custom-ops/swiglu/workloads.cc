// The sizes at which the CUDA harness times this op.
#include "native/cuda/harness/workloads.h"

namespace bmojo::cuda::harness {

namespace {

Workload gated(int rows, int E) {
  const size_t n = static_cast<size_t>(rows) * E;
  return {sized("swiglu", {{"R", rows}, {"E", E}}),
          {{"gate", n, normal()}, {"up", n, normal()}, {"y", n, unwritten()}, {"gradY", n, normal()},
           {"gradGate", n, unwritten()}, {"gradUp", n, unwritten()}},
          {{"forward", "swiglu_forward", {"gate", "up"}, {"y"}, {double(n)}, 12.0 * n, 0},
           {"backward", "swiglu_backward", {"gate", "up", "gradY"}, {"gradGate", "gradUp"}, {double(n)}, 20.0 * n, 0}}};
}

}  // namespace

std::vector<Workload> swigluWorkloads(Extent extent) {
  if (extent == Extent::small) return {gated(20, 16)};
  return {gated(16384, 2816)};
}

}  // namespace bmojo::cuda::harness
