// The sizes at which the CUDA harness times this op.
#include "native/cuda/harness/workloads.h"

namespace bmojo::cuda::harness {

namespace {

Workload rotary(int B, int L, int H, int Dh) {
  const size_t n = static_cast<size_t>(B) * L * H * Dh;
  return {sized("rotaryEmbedding", {{"B", B}, {"L", L}, {"H", H}, {"Dh", Dh}}),
          {{"x", n, normal()}, {"cosSin", static_cast<size_t>(L) * Dh, uniform(-1, 1)}, {"y", n, unwritten()}},
          {{"forward", "rotary_embedding_forward", {"x", "cosSin"}, {"y"},
            {double(B) * L, double(L), double(H), double(Dh)}, 8.0 * n, 0}}};
}

}  // namespace

std::vector<Workload> rotaryEmbeddingWorkloads(Extent extent) {
  if (extent == Extent::small) return {rotary(2, 10, 2, 8)};
  return {rotary(4, 8192, 16, 64)};
}

}  // namespace bmojo::cuda::harness
