// Distance of each token from the weighted average of those before it, on CUDA: a warp for each token.
#include "native/cuda/elementwise.cuh"
#include "native/cuda/kernels.generated.h"

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

cudaError_t run(const Call& call) {
  using P = ports::InnovationScores;
  using S = P::Scalar;
  const int64_t rows = static_cast<int64_t>(call.integer(S::B)) * call.integer(S::L);
  const int L = call.integer(S::L), D = call.integer(S::D), span = call.integer(S::span);
  const dim3 grid(static_cast<unsigned>(ceilDiv(rows, kWarps)));
  if (D % 4 == 0 && isAligned16(call.in(P::y))) {
    return launch(scoresKernel<4>, grid, kWarps * kWarp, 0, call.stream, call.in(P::y), call.out(P::scores), rows, L, D,
                  span);
  }
  return launch(scoresKernel<1>, grid, kWarps * kWarp, 0, call.stream, call.in(P::y), call.out(P::scores), rows, L, D,
                span);
}

}  // namespace

const Kernel innovationScores = {run};

}  // namespace bmojo::cuda
