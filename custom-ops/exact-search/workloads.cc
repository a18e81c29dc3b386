// The sizes at which the CUDA harness times this op.
#include "native/cuda/harness/workloads.h"

namespace bmojo::cuda::harness {

namespace {

// A window of 0: every query finds every row.
Workload search(int B, int L, int N, int G, int Dh, int R, int window) {
  const size_t queries = static_cast<size_t>(B) * L * G, rows = static_cast<size_t>(B) * N * G;
  // Rows that queries may find, of a sequence whose rows are its queries' own.
  double met = static_cast<double>(L) * N;
  if (window > 0) {
    met = 0;
    for (int t = 0; t < L; t++) met += t / window > 0 ? (t / window - 1.0) * window : 0;
  }
  return {sized("exactSearch", {{"B", B}, {"L", L}, {"N", N}, {"G", G}, {"Dh", Dh}, {"R", R}, {"w", window}}),
          {{"q", queries * Dh, normal()}, {"k", rows * Dh, normal()}, {"rows", queries * R, unwritten()},
           {"scores", queries * R, unwritten()}},
          {{"forward", "exact_search", {"q", "k", ""}, {"rows", "scores"},
            {double(B), double(L), double(N), double(G), double(Dh), double(R), double(window), 0, 0},
            4.0 * ((queries + rows) * Dh + 2.0 * queries * R), 2.0 * B * G * Dh * met}}};
}

}  // namespace

std::vector<Workload> exactSearchWorkloads(Extent extent) {
  if (extent == Extent::small) return {search(1, 1, 600, 1, 16, 4, 0), search(8, 20, 20, 8, 8, 4, 4)};
  return {search(1, 1, 1000000, 1, 64, 8, 0), search(1, 8, 1000000, 1, 64, 8, 0), search(4, 1024, 1024, 4, 32, 8, 64),
          search(1, 16384, 16384, 4, 64, 8, 512)};
}

}  // namespace bmojo::cuda::harness
