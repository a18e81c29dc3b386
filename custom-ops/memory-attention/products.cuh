// Products of float32 matrices on matrix units, by warps that own 16 rows.
#pragma once
#include "native/cuda/matrix-factors.cuh"

namespace bmojo::cuda {

// Floats between rows of kDh in shared memory: fragments of both kinds of product then meet every bank once.
template <int kDh>
constexpr int kStride = kDh + 4;

// The 16 rows of a warp in the order in which its lanes need them: [kDh / 8][lane] float4.
template <int kDh>
__device__ inline void storeFragments(float* fragments, const float* row, const float* row8, int Dh, int lane) {
#pragma unroll
  for (int step = 0; step < kDh / 8; step++) {
    const int d = step * 8 + lane % 4;
    const float a0 = row && d < Dh ? row[d] : 0.0f, a1 = row8 && d < Dh ? row8[d] : 0.0f;
    const float a2 = row && d + 4 < Dh ? row[d + 4] : 0.0f, a3 = row8 && d + 4 < Dh ? row8[d + 4] : 0.0f;
    reinterpret_cast<float4*>(fragments)[step * kWarp + lane] = make_float4(a0, a1, a2, a3);
  }
}

// scores = rows columns^T for columns [kColumns][kStride] in shared memory.
template <int kDh, int kColumns, Precision kPrecision>
__device__ inline void scoreProduct(float (&scores)[kColumns / 8][4], const float* fragments, const float* columns,
                                    int lane) {
#pragma unroll
  for (int n = 0; n < kColumns / 8; n++) scores[n][0] = scores[n][1] = scores[n][2] = scores[n][3] = 0.0f;
#pragma unroll
  for (int step = 0; step < kDh / 8; step++) {
    const float4 a = reinterpret_cast<const float4*>(fragments)[step * kWarp + lane];
    const LeftFactor<kPrecision> left(a.x, a.y, a.z, a.w);
    const float* const b = columns + lane / 4 * kStride<kDh> + step * 8 + lane % 4;
#pragma unroll
    for (int n = 0; n < kColumns / 8; n++) {
      left.multiplyAdd(scores[n], b[n * 8 * kStride<kDh>], b[n * 8 * kStride<kDh> + 4]);
    }
  }
}

// sums = fade * sums + weights columns. The weights are scores as they lie in registers: the key that stands in the
// place of k (k + 4) of a product is 2k (2k + 1). Matrix units round sums towards zero: each tile starts anew, and
// float32 additions join the tiles.
template <int kDh, int kColumns, Precision kPrecision>
__device__ inline void valueProduct(float (&sums)[kDh / 8][4], const float (&weights)[kColumns / 8][4],
                                    const float* columns, float fade, float fade8, int lane) {
  constexpr int group = kDh / 8 < 4 ? kDh / 8 : 4;
#pragma unroll
  for (int first = 0; first < kDh / 8; first += group) {
    float tile[group][4] = {};
#pragma unroll
    for (int step = 0; step < kColumns / 8; step++) {
      const LeftFactor<kPrecision> left(weights[step][0], weights[step][2], weights[step][1], weights[step][3]);
      const float* const b = columns + (step * 8 + lane % 4 * 2) * kStride<kDh> + first * 8 + lane / 4;
#pragma unroll
      for (int n = 0; n < group; n++) left.multiplyAdd(tile[n], b[n * 8], b[n * 8 + kStride<kDh>]);
    }
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

}  // namespace bmojo::cuda
