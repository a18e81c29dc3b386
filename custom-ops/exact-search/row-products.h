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

// The sums of four quads.
template <typename Four>
static inline Four quadSums(Four a, Four b, Four c, Four d) {
  const Four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);
  return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

// The sums of four vectors.
static inline Quad sums(const Vec (&v)[4]) { return quadSums(fold(v[0]), fold(v[1]), fold(v[2]), fold(v[3])); }

// The bits of a half (binary16) that is neither infinite nor NaN.
struct Half {
  uint16_t bits;
};

// Sign and magnitude move to their places, which leaves 2^-112 of the half, since the exponents' biases differ.
// Queries of halves are multiplied by one part of the difference beforehand, and products by the other: neither overflows.
constexpr float kQueryScale = 0x1p56f, kProductScale = 0x1p56f;

static inline float widen(float x) { return x; }
static inline float widen(Half x) {
  const uint32_t bits = (uint32_t)(x.bits & 0x8000) << 16 | (uint32_t)(x.bits & 0x7fff) << 13;
  float number;
  __builtin_memcpy(&number, &bits, sizeof(number));
  return number;
}
static inline Vec loadWide(const float* p) { return load(p); }
static inline Vec loadWide(const Half* p) {
  typedef int16_t Shorts __attribute__((vector_size(2 * kLanes)));
  Shorts lanes;
  __builtin_memcpy(&lanes, p, sizeof(lanes));
  return (Vec)((__builtin_convertvector(lanes, IntVec) << 13) & (int32_t)0x8fffe000);
}

// The products of one query with four rows, as they are in float32: of halves 2^-112 of them, times the query's scale.
template <typename Number>
static inline Quad rowProducts(const float* q, const Number* const (&rows)[kRowsAtOnce], int Dh) {
  // Steps between which addresses are reckoned anew.
  constexpr int kSteps = 4;
  Vec total[kRowsAtOnce] = {};
  int d = 0;
  for (; d + kSteps * kLanes <= Dh; d += kSteps * kLanes) {
    BMOJO_UNROLL for (int step = 0; step < kSteps; step++) {
      const Vec x = load(q + d + step * kLanes);
      BMOJO_UNROLL for (int i = 0; i < kRowsAtOnce; i++) total[i] += x * loadWide(rows[i] + d + step * kLanes);
    }
  }
  for (; d + kLanes <= Dh; d += kLanes) {
    const Vec x = load(q + d);
    BMOJO_UNROLL for (int i = 0; i < kRowsAtOnce; i++) total[i] += x * loadWide(rows[i] + d);
  }
  Quad products = sums(total);
  for (; d < Dh; d++)
    for (int i = 0; i < kRowsAtOnce; i++) products[i] += q[d] * widen(rows[i][d]);
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
