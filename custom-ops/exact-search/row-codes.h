// Bounds on scores from eight bits of each number. A row is scored only where its bound exceeds the last of a list: the
// README has the proof.
#pragma once
#include "exact-search/row-products.h"

namespace bmojo::search {

constexpr int kRowLevels = 127;
// Magnitudes of a row's largest number for which nothing overflows, nor underflows by more than the bound allows for.
constexpr float kLeastCoded = 0x1p-60f, kMostCoded = 0x1p60f;

// A row as it is: loadWide and widen leave 2^-112 of halves.
static inline float widenWhole(float x) { return x; }
static inline float widenWhole(Half x) { return widen(x) * 0x1p112f; }

// Writes a row's codes and scale: the scale is NaN, which bounds nothing, where the largest number is none that is coded.
template <typename Number>
static inline void encodeRow(const Number* row, int Dh, int8_t* codes, float* scale) {
  // Of magnitudes' bits, which are in their order: a NaN is above all.
  int32_t largestBits = 0;
  for (int d = 0; d < Dh; d++) {
    const float number = widenWhole(row[d]);
    int32_t bits;
    __builtin_memcpy(&bits, &number, sizeof(bits));
    bits &= INT32_MAX;
    largestBits = bits > largestBits ? bits : largestBits;
  }
  float largest;
  __builtin_memcpy(&largest, &largestBits, sizeof(largest));
  const bool isCoded = largest >= kLeastCoded && largest <= kMostCoded;
  *scale = isCoded ? largest / kRowLevels : largest == 0 ? 0 : __builtin_nanf("");
  const float inverse = isCoded ? 1 / *scale : 0;
  for (int d = 0; d < Dh; d++) {
    // Rounds to nearest: 1.5 * 2^23.
    const float shifted = widenWhole(row[d]) * inverse + 12582912.0f;
    int32_t bits;
    __builtin_memcpy(&bits, &shifted, sizeof(bits));
    codes[d] = isCoded ? (int8_t)(bits - 0x4B400000) : 0;
  }
}

// Codes of the rows of one group, `stride` apart: a number is its code times the row's scale, give or take half of it.
struct RowCodes {
  const int8_t* first;
  const float* scales;
  int64_t stride, scaleStride;
};

// Codes of one query. A row's product is no greater than the row's scale times (`scale` times the codes' product, + `spread`).
struct QueryCodes {
  const int16_t* codes;
  float scale, spread;
};

typedef int16_t Shorts __attribute__((vector_size(16)));

// Sums of neighbours' products.
static inline IntQuad pairProducts(Shorts a, Shorts b) {
#if defined(__wasm__)
  return __builtin_wasm_dot_s_i32x4_i16x8(a, b);
#else
  IntQuad products;
  for (int i = 0; i < 4; i++) products[i] = a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1];
  return products;
#endif
}

static inline Shorts loadCodes(const int16_t* p) {
  Shorts codes;
  __builtin_memcpy(&codes, p, sizeof(codes));
  return codes;
}
static inline Shorts loadCodes(const int8_t* p) {
  typedef int8_t Bytes __attribute__((vector_size(8)));
  Bytes codes;
  __builtin_memcpy(&codes, p, sizeof(codes));
  return __builtin_convertvector(codes, Shorts);
}

// The products of a query's codes with those of four rows; the query's are so few levels that no sum overflows.
static inline IntQuad codeProducts(const int16_t* q, const int8_t* const (&rows)[kRowsAtOnce], int Dh) {
  constexpr int kCodes = 8, kSteps = 4;
  IntQuad total[kRowsAtOnce] = {};
  int d = 0;
  for (; d + kSteps * kCodes <= Dh; d += kSteps * kCodes) {
    BMOJO_UNROLL for (int step = 0; step < kSteps; step++) {
      const Shorts x = loadCodes(q + d + step * kCodes);
      BMOJO_UNROLL for (int i = 0; i < kRowsAtOnce; i++)
        total[i] += pairProducts(loadCodes(rows[i] + d + step * kCodes), x);
    }
  }
  for (; d + kCodes <= Dh; d += kCodes) {
    const Shorts x = loadCodes(q + d);
    BMOJO_UNROLL for (int i = 0; i < kRowsAtOnce; i++) total[i] += pairProducts(loadCodes(rows[i] + d), x);
  }
  IntQuad products = quadSums(total[0], total[1], total[2], total[3]);
  for (; d < Dh; d++)
    for (int i = 0; i < kRowsAtOnce; i++) products[i] += q[d] * rows[i][d];
  return products;
}

// Whether one of four rows from `row` on may score above `last`. A scale or spread that is NaN bounds nothing.
static inline bool mayExceed(const RowCodes& k, const QueryCodes& q, int Dh, int row, int end, float last) {
  const int8_t* four[kRowsAtOnce];
  Quad scales;
  for (int i = 0; i < kRowsAtOnce; i++) {
    const int64_t at = row + i < end ? row + i : end - 1;
    four[i] = k.first + at * k.stride;
    scales[i] = k.scales[at * k.scaleStride];
  }
  const Quad products = __builtin_convertvector(codeProducts(q.codes, four, Dh), Quad);
  return anyOfQuad(~(scales * (products * q.scale + q.spread) <= last));
}

}  // namespace bmojo::search
