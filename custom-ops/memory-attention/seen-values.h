// Values that are NaN or infinite. Queries are summed several at a time, by weights that are zero for keys which one of them does
// not see, and zero times such a value is NaN. A sum that is no finite number is therefore formed again, over the keys that its
// query sees and no others: slowly, but only where there is such a value.
#pragma once
#include "memory-attention/tile-products.h"

namespace bmojo {

static inline bool areFinite(const float* row, int n) {
  constexpr int32_t kInfinity = 0x7f800000;
  IntVec endless = {};
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) endless |= ((IntVec)load(row + i) & kInfinity) == kInfinity;
  for (; i < n; i++) endless |= ((IntVec)splat(row[i]) & kInfinity) == kInfinity;
  for (int lane = 0; lane < kLanes; lane++)
    if (endless[lane]) return false;
  return true;
}

// Forms the rows of `sums` [queries, Dh] that are not finite again by weights 2^(score - largest), for queries whose total is
// finite: where it is not, a score that the query sees is no number. `q` holds the block's queries, `scores` is scratch.
static inline void formSeenSums(const AttentionCall& call, int b, int g, int first, int queries, const float* q,
                                const Vec* largest, const Vec* total, float* scores, float* sums) {
  const int Dh = call.sizes.Dh;
  bool isFormed[kQueries], isAny = false;
  for (int i = 0; i < queries; i++) {
    const float own = total[i / kLanes][i % kLanes];
    isFormed[i] = !areFinite(sums + i * Dh, Dh) && areFinite(&own, 1);
    if (isFormed[i]) fill(sums + i * Dh, 0, Dh), isAny = true;
  }
  if (!isAny) return;
  eachTile(call, b, g, first, queries, [&](const KeyTile& tile, int keys) {
    tileProducts(tile.keys, keys, q, Dh, scores);
    for (int i = 0; i < queries; i++) {
      if (!isFormed[i]) continue;
      const float peak = largest[i / kLanes][i % kLanes];
      for (int r = 0; r < tile.runs; r++)
        for (int j = tile.run[r].from[i]; j < tile.run[r].to[i]; j++)
          axpy(sums + i * Dh, tile.values[j], vpower2(splat(scores[j * kQueries + i] - peak))[0], Dh);
    }
  });
}

}  // namespace bmojo
