// Products on matrix units, by warps that own 16 rows.
#pragma once
#include "native/cuda/matrix-factors.cuh"

namespace bmojo::cuda {

// How rows of kDh numbers lie in shared memory, in words of a float or of two halves.
template <int kDh, Precision kPrecision>
struct RowWords {
  static constexpr int count = kIsHalf<kPrecision> ? kDh / 2 : kDh;
  // From row to row: what products read at once then meets every bank once.
  static constexpr int stride = count + 4;
  // Of the 16 rows that a warp owns.
  static constexpr int owned = 16 * count;
};

// The 16 rows of a warp in the order in which its lanes need them: [steps of a product][lane] four words.
template <int kDh, Precision kPrecision>
__device__ inline void storeFragments(float* fragments, const float* row, const float* row8, int Dh, int lane) {
  const auto at = [Dh](const float* from, int d) { return from && d < Dh ? from[d] : 0.0f; };
  constexpr int depth = kIsHalf<kPrecision> ? 16 : 8;
#pragma unroll
  for (int step = 0; step < kDh / depth; step++) {
    float4 words;
    if constexpr (kIsHalf<kPrecision>) {
      const int d = step * 16 + lane % 4 * 2;
      const auto pair = [&](const float* from, int i) {
        return __uint_as_float(packHalves<kPrecision>(at(from, i), at(from, i + 1)));
      };
      words = make_float4(pair(row, d), pair(row8, d), pair(row, d + 8), pair(row8, d + 8));
    } else {
      const int d = step * 8 + lane % 4;
      words = make_float4(at(row, d), at(row8, d), at(row, d + 4), at(row8, d + 4));
    }
    reinterpret_cast<float4*>(fragments)[step * kWarp + lane] = words;
  }
}

// sums += left right for kCount neighbouring columns of eight each, `step` words apart: halves, of each lane a row of a matrix at `b`.
template <bool kTransposed, int kCount, Precision kPrecision>
__device__ inline void addProducts(float (&sums)[kCount][4], const unsigned (&left)[4], const float* b, int step) {
#pragma unroll
  for (int n = 0; n < kCount; n += 2) {
    unsigned right[4];
    loadMatrices<kTransposed>(right, b + n * step);
    mmaHalves<kPrecision>(sums[n], left, right[0], right[1]);
    mmaHalves<kPrecision>(sums[n + 1], left, right[2], right[3]);
  }
}

// scores = rows columns^T for columns [kColumns][stride] in shared memory.
template <int kDh, int kColumns, Precision kPrecision>
__device__ inline void scoreProduct(float (&scores)[kColumns / 8][4], const float* fragments, const float* columns,
                                    int lane) {
  constexpr int stride = RowWords<kDh, kPrecision>::stride;
#pragma unroll
  for (int n = 0; n < kColumns / 8; n++) scores[n][0] = scores[n][1] = scores[n][2] = scores[n][3] = 0.0f;
  if constexpr (kIsHalf<kPrecision>) {
    // Of each lane a row of a matrix: two of each eight columns, one behind the other in d.
    const float* const b = columns + (lane / 16 * 8 + lane % 8) * stride + lane / 8 % 2 * 4;
#pragma unroll
    for (int step = 0; step < kDh / 16; step++) {
      const float4 a = reinterpret_cast<const float4*>(fragments)[step * kWarp + lane];
      const unsigned left[4] = {__float_as_uint(a.x), __float_as_uint(a.y), __float_as_uint(a.z), __float_as_uint(a.w)};
      addProducts<false, kColumns / 8, kPrecision>(scores, left, b + step * 8, 8 * stride);
    }
  } else {
#pragma unroll
    for (int step = 0; step < kDh / 8; step++) {
      const float4 a = reinterpret_cast<const float4*>(fragments)[step * kWarp + lane];
      const LeftFactor<kPrecision> left(a.x, a.y, a.z, a.w);
      const float* const b = columns + lane / 4 * stride + step * 8 + lane % 4;
#pragma unroll
      for (int n = 0; n < kColumns / 8; n++) {
        left.multiplyAdd(scores[n], b[n * 8 * stride], b[n * 8 * stride + 4]);
      }
    }
  }
}

// tile = weights columns, kGroup times eight columns of d from `first` on. The weights are scores as they lie in registers: the key
// that stands in the place of k (k + 4) of a product of floats is 2k (2k + 1).
template <int kDh, int kColumns, int kGroup, Precision kPrecision>
__device__ inline void tileProduct(float (&tile)[kGroup][4], const float (&weights)[kColumns / 8][4], const float* columns,
                                   int first, int lane) {
  constexpr int stride = RowWords<kDh, kPrecision>::stride;
  if constexpr (kIsHalf<kPrecision>) {
    // Of each lane a row of a matrix: two below each other for each eight columns of d.
    const float* const b = columns + lane % 16 * stride + (first + lane / 16) * 4;
#pragma unroll
    for (int step = 0; step < kColumns / 16; step++) {
      const float(&w)[4] = weights[2 * step], (&w8)[4] = weights[2 * step + 1];
      const unsigned left[4] = {packHalves<kPrecision>(w[0], w[1]), packHalves<kPrecision>(w[2], w[3]),
                                packHalves<kPrecision>(w8[0], w8[1]), packHalves<kPrecision>(w8[2], w8[3])};
      addProducts<true, kGroup, kPrecision>(tile, left, b + step * 16 * stride, 4);
    }
  } else {
#pragma unroll
    for (int step = 0; step < kColumns / 8; step++) {
      const LeftFactor<kPrecision> left(weights[step][0], weights[step][2], weights[step][1], weights[step][3]);
      const float* const b = columns + (step * 8 + lane % 4 * 2) * stride + first * 8 + lane / 4;
#pragma unroll
      for (int n = 0; n < kGroup; n++) left.multiplyAdd(tile[n], b[n * 8], b[n * 8 + stride]);
    }
  }
}

// sums = fade * sums + weights columns. Matrix units round sums towards zero: each tile starts anew, and float32 additions
// join the tiles.
template <int kDh, int kColumns, Precision kPrecision>
__device__ inline void valueProduct(float (&sums)[kDh / 8][4], const float (&weights)[kColumns / 8][4],
                                    const float* columns, float fade, float fade8, int lane) {
  constexpr int group = kDh / 8 < 4 ? kDh / 8 : 4;
#pragma unroll
  for (int first = 0; first < kDh / 8; first += group) {
    float tile[group][4] = {};
    tileProduct<kDh, kColumns, group, kPrecision>(tile, weights, columns, first, lane);
#pragma unroll
    for (int n = 0; n < group; n++) {
      sums[first + n][0] = fmaf(sums[first + n][0], fade, tile[n][0]);
      sums[first + n][1] = fmaf(sums[first + n][1], fade, tile[n][1]);
      sums[first + n][2] = fmaf(sums[first + n][2], fade8, tile[n][2]);
      sums[first + n][3] = fmaf(sums[first + n][3], fade8, tile[n][3]);
    }
  }
}

// Writes a lane's part of a warp's 16 rows; null rows are left out.
template <int kDh>
__device__ inline void storeRows(float* row, float* row8, const float (&sums)[kDh / 8][4], float factor, float factor8,
                                 int Dh, int lane) {
#pragma unroll
  for (int n = 0; n < kDh / 8; n++) {
    const int d = n * 8 + lane % 4 * 2;
    if (Dh % 2 == 0) {
      if (d >= Dh) continue;
      if (row) *reinterpret_cast<float2*>(row + d) = make_float2(sums[n][0] * factor, sums[n][1] * factor);
      if (row8) *reinterpret_cast<float2*>(row8 + d) = make_float2(sums[n][2] * factor8, sums[n][3] * factor8);
      continue;
    }
    if (row && d < Dh) row[d] = sums[n][0] * factor;
    if (row && d + 1 < Dh) row[d + 1] = sums[n][1] * factor;
    if (row8 && d < Dh) row8[d] = sums[n][2] * factor8;
    if (row8 && d + 1 < Dh) row8[d + 1] = sums[n][3] * factor8;
  }
}

// Copies one row of Dh floats, padded with zeros to kDh, by the threads part = 0 .. kDh / 4 - 1.
template <int kDh>
__device__ inline void copyRow(float* to, const float* from, int part, int Dh, bool aligned, bool valid) {
  const int d = part * 4;
  if (aligned) {
    copyAsync16(to + d, from + (valid && d < Dh ? d : 0), valid && d < Dh);
    return;
  }
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const bool has = valid && d + i < Dh;
    copyAsync4(to + d + i, from + (has ? d + i : 0), has);
  }
}

// Parts of 16 bytes of a row.
template <int kDh, Precision kPrecision>
constexpr int kParts = RowWords<kDh, kPrecision>::count / 4;

// The same of row number `row` of floats, or of its halves, by the threads part = 0 .. kParts - 1.
template <int kDh, Precision kPrecision>
__device__ inline void copyPart(float* to, const float* rows, const float* halves, int64_t row, int part, int Dh,
                                bool aligned, bool valid) {
  if constexpr (kIsHalf<kPrecision>) {
    copyAsync16(to + part * 4, halves + row * (kDh / 2) + part * 4, valid);
  } else {
    copyRow<kDh>(to, rows + row * Dh, part, Dh, aligned, valid);
  }
}

}  // namespace bmojo::cuda
