// Inner products of rows with queries. A row's product is formed by the same operations wherever the row stands, so that
// rows that are alike are ties.
#pragma once
#include "native/simd.h"

namespace bmojo::search {

typedef float Quad __attribute__((vector_size(16)));
typedef int32_t IntQuad __attribute__((vector_size(16)));

// Rows that one query meets at once: their products are a vector, and one comparison tells that none of them matters.
constexpr int kRowsAtOnce = 4;

static inline bool anyOfQuad(IntQuad mask) {
#if defined(__wasm__)
  typedef int8_t Bytes __attribute__((vector_size(16)));
  return __builtin_wasm_any_true_v128((Bytes)mask);
#else
  return (mask[0] | mask[1] | mask[2] | mask[3]) != 0;
#endif
}

static inline Quad fold(Vec v) {
  Quad quads[kLanes / 4];
  __builtin_memcpy(quads, &v, sizeof(v));
  Quad total = quads[0];
  for (int i = 1; i < kLanes / 4; i++) total += quads[i];
  return total;
}

// The sums of four vectors.
static inline Quad sums(const Vec (&v)[4]) {
  const Quad a = fold(v[0]), b = fold(v[1]), c = fold(v[2]), d = fold(v[3]);
  const Quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Quad cd = __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);
  return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

// The products of one query with four rows.
static inline Quad rowProducts(const float* q, const float* const (&rows)[kRowsAtOnce], int Dh) {
  Vec total[kRowsAtOnce] = {};
  int d = 0;
  for (; d + kLanes <= Dh; d += kLanes) {
    const Vec x = load(q + d);
    BMOJO_UNROLL for (int i = 0; i < kRowsAtOnce; i++) total[i] += x * load(rows[i] + d);
  }
  Quad products = sums(total);
  for (; d < Dh; d++)
    for (int i = 0; i < kRowsAtOnce; i++) products[i] += q[d] * rows[i][d];
  return products;
}

// Queries of a block, lanes of its products.
constexpr int kBlockVectors = kLanes < 16 ? 2 : 1;
constexpr int kBlockQueries = kBlockVectors * kLanes;

// products[i][v]: those of row i with the queries of a block, `transposed` [Dh, kBlockQueries].
static inline void blockProducts(const float* transposed, const float* const (&rows)[kRowsAtOnce], int Dh,
                                 Vec (&products)[kRowsAtOnce][kBlockVectors]) {
  BMOJO_UNROLL for (int i = 0; i < kRowsAtOnce; i++)
    BMOJO_UNROLL for (int v = 0; v < kBlockVectors; v++) products[i][v] = Vec{};
  for (int d = 0; d < Dh; d++) {
    Vec x[kBlockVectors];
    BMOJO_UNROLL for (int v = 0; v < kBlockVectors; v++) x[v] = load(transposed + d * kBlockQueries + v * kLanes);
    BMOJO_UNROLL for (int i = 0; i < kRowsAtOnce; i++)
      BMOJO_UNROLL for (int v = 0; v < kBlockVectors; v++) products[i][v] += rows[i][d] * x[v];
  }
}

static inline bool anyOf(IntVec mask) {
  IntQuad quads[kLanes / 4];
  __builtin_memcpy(quads, &mask, sizeof(mask));
  for (int i = 1; i < kLanes / 4; i++) quads[0] |= quads[i];
  return anyOfQuad(quads[0]);
}

}  // namespace bmojo::search
