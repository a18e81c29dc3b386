// The sizes at which the CUDA harness times this op.
#include "native/cuda/harness/workloads.h"

namespace bmojo::cuda::harness {

namespace {

Workload embedding(int tokens, int V, int D) {
  const size_t n = static_cast<size_t>(tokens) * D, table = static_cast<size_t>(V) * D;
  return {sized("embeddingLookup", {{"R", tokens}, {"V", V}, {"D", D}}),
          {{"table", table, normal()}, {"ids", size_t(tokens), integers(0, V)}, {"y", n, unwritten()},
           {"gradY", n, normal()}, {"gradTable", table, unwritten()}},
          {{"forward", "embedding_lookup_forward", {"table", "ids"}, {"y"}, {double(tokens), double(D)}, 8.0 * n, 0},
           {"backward", "embedding_lookup_backward", {"table", "ids", "gradY"}, {"gradTable"},
            {double(tokens), double(V), double(D)}, 4.0 * (n + table), 0}}};
}

}  // namespace

std::vector<Workload> embeddingLookupWorkloads(Extent extent) {
  if (extent == Extent::small) return {embedding(50, 20, 16)};
  return {embedding(16384, 32000, 1024), embedding(32768, 512, 64)};
}

}  // namespace bmojo::cuda::harness
