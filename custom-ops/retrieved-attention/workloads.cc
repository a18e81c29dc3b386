// The sizes at which the CUDA harness times this op.
#include "native/cuda/harness/workloads.h"

namespace bmojo::cuda::harness {

namespace {

// As many rows as queries, and as many key heads as heads.
Workload retrieved(int B, int L, int H, int Dh, int R) {
  const size_t heads = static_cast<size_t>(B) * L * H, n = heads * Dh, places = heads * R;
  const std::vector<double> scalars = {double(B), double(L), double(L), double(H), double(H), double(Dh), double(R)};
  const double gathered = 8.0 * places * Dh, wide = 4.0 * n, flops = 4.0 * places * Dh;
  return {sized("retrievedAttention", {{"B", B}, {"L", L}, {"H", H}, {"Dh", Dh}, {"R", R}}),
          {{"q", n, normal()}, {"k", n, normal()}, {"v", n, normal()}, {"rows", places, integers(0, L)},
           {"out", n, unwritten()}, {"logSumExp", heads, unwritten()}, {"gradOut", n, normal()},
           {"gradLogSumExp", heads, normal()}, {"gradQ", n, unwritten()}, {"gradK", n, unwritten()},
           {"gradV", n, unwritten()}},
          {{"forward", "retrieved_attention_forward", {"q", "k", "v", "rows"}, {"out", "logSumExp"}, scalars,
            2 * wide + gathered + 4.0 * places, flops},
           {"backward", "retrieved_attention_backward",
            {"q", "k", "v", "rows", "out", "logSumExp", "gradOut", "gradLogSumExp"}, {"gradQ", "gradK", "gradV"},
            scalars, 6 * wide + 2 * gathered + 4.0 * places, 2.5 * flops}}};
}

}  // namespace

std::vector<Workload> retrievedAttentionWorkloads(Extent extent) {
  if (extent == Extent::small) return {retrieved(2, 30, 2, 16, 3)};
  return {retrieved(4, 1024, 4, 32, 8), retrieved(1, 16384, 4, 64, 8)};
}

}  // namespace bmojo::cuda::harness
