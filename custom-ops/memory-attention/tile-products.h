// Products of a tile of keys with a block of queries. Scores and weights are [key][kQueries]; rows stand where they are.
#pragma once
#include "memory-attention/key-tiles.h"
#include "native/transpose.h"

namespace bmojo {

// products[j][lane] = sum over d of rows[j][d] * transposed[d][lane], for `count` keys, a multiple of kKeysAtOnce.
static inline void tileProducts(const float* const* rows, int count, const float* transposed, int Dh, float* products) {
  for (int j = 0; j < count; j += kKeysAtOnce) {
    const float* at[kKeysAtOnce];
    Vec total[kKeysAtOnce][kQueryVectors];
    BMOJO_UNROLL for (int key = 0; key < kKeysAtOnce; key++) {
      at[key] = rows[j + key];
      BMOJO_UNROLL for (int v = 0; v < kQueryVectors; v++) total[key][v] = Vec{};
    }
    for (int d = 0; d < Dh; d++) {
      Vec q[kQueryVectors];
      BMOJO_UNROLL for (int v = 0; v < kQueryVectors; v++) q[v] = load(transposed + d * kQueries + v * kLanes);
      BMOJO_UNROLL for (int key = 0; key < kKeysAtOnce; key++)
        BMOJO_UNROLL for (int v = 0; v < kQueryVectors; v++) total[key][v] += at[key][d] * q[v];
    }
    BMOJO_UNROLL for (int key = 0; key < kKeysAtOnce; key++)
      BMOJO_UNROLL for (int v = 0; v < kQueryVectors; v++) store(products + (j + key) * kQueries + v * kLanes, total[key][v]);
  }
}

// Rows that one walk adds to: two vectors of sums for each stay in registers.
constexpr int kTargets = kLanes < 16 ? 4 : 8;

// Rows that are summed: those at the places of `count` ranges of `rows`. Row `place` has weight
// weights[place * step + t * targetStep] for target t.
template <int step, int targetStep>
struct WeightedRows {
  const float* const* rows;
  const RowRange* ranges;
  int count;
  const float* weights;
};

template <typename Lanes>
static inline Lanes loadAs(const float* p) {
  Lanes x;
  __builtin_memcpy(&x, p, sizeof(x));
  return x;
}

// targets[t][d ..] += the weighted sum of rows, for `vectors` times Lanes columns from d on. Targets may be the same row.
template <int targets, int vectors, typename Lanes, int step, int targetStep>
static inline void addColumns(const WeightedRows<step, targetStep>& from, float* const* to, int d) {
  constexpr int width = sizeof(Lanes) / sizeof(float);
  Lanes sums[targets][vectors];
  BMOJO_UNROLL for (int t = 0; t < targets; t++)
    BMOJO_UNROLL for (int v = 0; v < vectors; v++) sums[t][v] = Lanes{};
  for (int r = 0; r < from.count; r++) {
    const float* const* end = from.rows + from.ranges[r].end;
    const float* w = from.weights + from.ranges[r].begin * step;
    for (const float* const* row = from.rows + from.ranges[r].begin; row < end; row++, w += step) {
      Lanes x[vectors];
      BMOJO_UNROLL for (int v = 0; v < vectors; v++) x[v] = loadAs<Lanes>(*row + d + v * width);
      BMOJO_UNROLL for (int t = 0; t < targets; t++)
        BMOJO_UNROLL for (int v = 0; v < vectors; v++) sums[t][v] += w[t * targetStep] * x[v];
    }
  }
  BMOJO_UNROLL for (int t = 0; t < targets; t++) {
    BMOJO_UNROLL for (int v = 0; v < vectors; v++) {
      float* p = to[t] + d + v * width;
      Lanes sum = loadAs<Lanes>(p) + sums[t][v];
      __builtin_memcpy(p, &sum, sizeof(sum));
    }
  }
}

template <int targets, int step, int targetStep>
static inline void addToTargets(const WeightedRows<step, targetStep>& from, float* const* to, int Dh) {
  typedef float Quad __attribute__((vector_size(16)));
  int d = 0;
  for (; d + 2 * kLanes <= Dh; d += 2 * kLanes) addColumns<targets, 2, Vec>(from, to, d);
  for (; d + kLanes <= Dh; d += kLanes) addColumns<targets, 1, Vec>(from, to, d);
  for (; d + 4 <= Dh; d += 4) addColumns<targets, 1, Quad>(from, to, d);
  for (; d < Dh; d++) addColumns<targets, 1, float>(from, to, d);
}

// The same for 1 to `most` targets.
template <int most, int step, int targetStep>
static inline void addRows(const WeightedRows<step, targetStep>& from, float* const* to, int targets, int Dh) {
  if constexpr (most > 1) {
    if (targets < most) return addRows<most - 1>(from, to, targets, Dh);
  }
  addToTargets<most>(from, to, Dh);
}

// sums[i][d] += sum over keys j that query i sees of weights[j][i] * rows[j][d]
static inline void addToQueries(const KeyTile& tile, const float* const* rows, const float* weights, int queries, int Dh,
                                float* sums) {
  for (int i = 0; i < queries; i += kTargets) {
    const int targets = minInt(kTargets, queries - i);
    RowRange seen[3];
    for (int r = 0; r < tile.runs; r++) seen[r] = {tile.run[r].from[i], tile.run[r].to[i + targets - 1]};
    float* to[kTargets];
    for (int t = 0; t < kTargets; t++) to[t] = sums + (i + t) * Dh;
    addRows<kTargets>(WeightedRows<kQueries, 1>{rows, seen, tile.runs, weights + i}, to, targets, Dh);
  }
}

// grads[j][d] += sum over queries i that see key j of weights[j][i] * rows[i][d]
static inline void addToKeys(const KeyTile& tile, const float* const* rows, const float* weights, int queries, int Dh,
                             float* const* grads) {
  for (int r = 0; r < tile.runs; r++) {
    const KeyRun& run = tile.run[r];
    RowRange seeing = {0, 0};
    for (int j = run.begin; j < run.end; j += kTargets) {
      const int targets = minInt(kTargets, run.end - j);
      while (seeing.begin < queries && run.to[seeing.begin] <= j) seeing.begin++;
      while (seeing.end < queries && run.from[seeing.end] < j + targets) seeing.end++;
      addRows<kTargets>(WeightedRows<1, kQueries>{rows, &seeing, 1, weights + j * kQueries}, grads + j, targets, Dh);
    }
  }
}

// transposed[d][lane] = rows[lane][d]; lanes without a query get zeros.
static inline void transposeBlock(const float* rows, int64_t stride, int queries, int Dh, float* transposed) {
  if (queries < kQueries) fill(transposed, 0, Dh * kQueries);
  int i = 0;
  for (; i + 4 <= queries; i += 4) {
    const float* from = rows + i * stride;
    int d = 0;
    for (; d + 4 <= Dh; d += 4) transposeQuads(from + d, stride, transposed + d * kQueries + i, kQueries);
    for (; d < Dh; d++)
      for (int lane = 0; lane < 4; lane++) transposed[d * kQueries + i + lane] = from[lane * stride + d];
  }
  for (; i < queries; i++)
    for (int d = 0; d < Dh; d++) transposed[d * kQueries + i] = rows[i * stride + d];
}

}  // namespace bmojo
