// Sum of squares: float32 within blocks of a fixed size, float64 over the blocks' sums, so that no result depends on
// the number of threads.
#pragma once
#include "native/simd.h"

namespace bmojo {

constexpr int kSquaresBlock = 4096;

static inline int64_t squareBlocks(int64_t n) { return (n + kSquaresBlock - 1) / kSquaresBlock; }

static inline float sumOfSquaresBlock(const float* x, int64_t n, int64_t block) {
  const int64_t begin = block * kSquaresBlock;
  const int64_t rest = n - begin;
  return dot(x + begin, x + begin, (int)(rest < kSquaresBlock ? rest : kSquaresBlock));
}

}  // namespace bmojo

BMOJO_EXPORT(sum_of_squares)
void sum_of_squares(const float* x, float* y, int n) {
  double total = 0;
  for (int64_t block = 0; block < bmojo::squareBlocks(n); block++) total += bmojo::sumOfSquaresBlock(x, n, block);
  *y = (float)total;
}
