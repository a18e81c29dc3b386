// Distance of each token from the weighted average of those before it, on CUDA: a warp for each token.
#include "native/cuda/elementwise.cuh"
#include "native/cuda/kernels.h"

namespace bmojo::cuda {

namespace {

constexpr int kWarps = 8;

template <int kWidth>
__global__ void __launch_bounds__(kWarps * kWarp)
scoresKernel(const float* __restrict__ y, float* __restrict__ scores, int64_t rows, int L, int D, int span) {
  const int lane = threadIdx.x % kWarp;
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / kWarp;
  if (row >= rows) return;
  const int steps = min(static_cast<int>(row % L), span);
  // Weights 2^-1 ... 2^-steps over their sum.
  const float first = steps > 0 ? 0.5f / (1.0f - exp2f(static_cast<float>(-steps))) : 0.0f;
  float squares = 0.0f;
  for (int d = lane * kWidth; d < D; d += kWarp * kWidth) {
    Pack<kWidth> error = loadPack<kWidth>(y + row * D + d);
    float weight = first;
    for (int i = 1; i <= steps; i++, weight *= 0.5f) {
      const Pack<kWidth> before = loadPack<kWidth>(y + (row - i) * D + d);
#pragma unroll
      for (int k = 0; k < kWidth; k++) error.x[k] = fmaf(-weight, before.x[k], error.x[k]);
    }
#pragma unroll
    for (int k = 0; k < kWidth; k++) squares = fmaf(error.x[k], error.x[k], squares);
  }
  squares = warpSum(squares);
  if (lane == 0) scores[row] = sqrtf(squares);
}

}  // namespace

cudaError_t innovationScores(const Call& call) {
  const int64_t rows = static_cast<int64_t>(call.integer(0)) * call.integer(1);
  const int L = call.integer(1), D = call.integer(2), span = call.integer(3);
  const dim3 grid(static_cast<unsigned>(ceilDiv(rows, kWarps)));
  if (D % 4 == 0 && isAligned16(call.in(0))) {
    return launch(scoresKernel<4>, grid, kWarps * kWarp, 0, call.stream, call.in(0), call.out(0), rows, L, D, span);
  }
  return launch(scoresKernel<1>, grid, kWarps * kWarp, 0, call.stream, call.in(0), call.out(0), rows, L, D, span);
}

}  // namespace bmojo::cuda
