// Rows of halves, two numbers in a word, made once a call of rows that many blocks read.
#pragma once
#include "memory-attention/geometry.cuh"

namespace bmojo::cuda {

// A word of a row for each thread: numbers 2i and 2i + 1, zeros beyond Dh.
template <Precision kPrecision>
__global__ void narrowRowsKernel(const float* __restrict__ rows, float* __restrict__ halves, int64_t words, int Dh,
                                 int wordsOfRow) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= words) return;
  const float* const row = rows + i / wordsOfRow * Dh;
  const int d = static_cast<int>(i % wordsOfRow) * 2;
  const float low = d < Dh ? row[d] : 0.0f, high = d + 1 < Dh ? row[d + 1] : 0.0f;
  halves[i] = __uint_as_float(packHalves<kPrecision>(low, high));
}

inline cudaError_t narrowRows(const Call& call, const float* rows, float* halves, int64_t count, int Dh, int width) {
  if (!rows) return cudaSuccess;
  constexpr int kThreads = 256;
  const int64_t words = count * (width / 2);
  const dim3 grid(static_cast<unsigned>(ceilDiv(words, kThreads)));
  return call.precision == Precision::kBfloat16
             ? launch(narrowRowsKernel<Precision::kBfloat16>, grid, kThreads, 0, call.stream, rows, halves, words, Dh, width / 2)
             : launch(narrowRowsKernel<Precision::kFloat16>, grid, kThreads, 0, call.stream, rows, halves, words, Dh, width / 2);
}

}  // namespace bmojo::cuda
