// Rows of halves, two numbers in a word, made once a call of rows that many blocks read.
#pragma once
#include "memory-attention/geometry.cuh"

namespace bmojo::cuda {

// A word of a row of 2^shift for each thread: two neighbouring numbers, zeros beyond Dh.
template <Precision kPrecision>
__global__ void narrowRowsKernel(const float* __restrict__ rows, float* __restrict__ halves, int64_t words, int Dh,
                                 int shift) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= words) return;
  const float* const row = rows + (i >> shift) * Dh;
  const int d = static_cast<int>(i & ((1 << shift) - 1)) * 2;
  const float low = d < Dh ? row[d] : 0.0f, high = d + 1 < Dh ? row[d + 1] : 0.0f;
  halves[i] = __uint_as_float(packHalves<kPrecision>(low, high));
}

// Rows of `width` numbers, a power of 2.
inline cudaError_t narrowRows(const Call& call, const float* rows, float* halves, int64_t count, int Dh, int width) {
  if (!rows) return cudaSuccess;
  constexpr int kThreads = 256;
  int shift = 0;
  while (2 << shift < width) shift++;
  const int64_t words = count << shift;
  const dim3 grid(static_cast<unsigned>(ceilDiv(words, kThreads)));
  return call.precision == Precision::kBfloat16
             ? launch(narrowRowsKernel<Precision::kBfloat16>, grid, kThreads, 0, call.stream, rows, halves, words, Dh, shift)
             : launch(narrowRowsKernel<Precision::kFloat16>, grid, kThreads, 0, call.stream, rows, halves, words, Dh, shift);
}

}  // namespace bmojo::cuda
