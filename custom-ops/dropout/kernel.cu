// Dropout on CUDA, element by element; the mask as in hash.ts.
#include "native/cuda/elementwise.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

namespace {

__device__ inline uint32_t mixed(uint32_t h) {
  h = (h ^ (h >> 16)) * 0x7feb352du;
  h = (h ^ (h >> 15)) * 0x846ca68bu;
  return h ^ (h >> 16);
}

template <int kWidth>
__global__ void dropoutKernel(const float* __restrict__ x, const int32_t* __restrict__ seed, float* __restrict__ y,
                              int64_t packs, uint32_t stream, uint32_t threshold, float scale) {
  const uint32_t a = static_cast<uint32_t>(seed[0]), b = static_cast<uint32_t>(seed[1]);
  const uint32_t first = mixed(a + mixed(b + mixed(stream + 0x9e3779b9u)));
  const uint32_t second = mixed(b + mixed(a + mixed(stream + 0x3c6ef372u)));
  for (int64_t i = firstElement(); i < packs; i += elementStride()) {
    Pack<kWidth> pack = loadPack<kWidth>(x + i * kWidth);
#pragma unroll
    for (int k = 0; k < kWidth; k++) {
      const uint32_t hash = mixed(mixed(static_cast<uint32_t>(i * kWidth + k) + first) ^ second);
      pack.x[k] = hash < threshold ? 0.0f : pack.x[k] * scale;
    }
    storePack<kWidth>(y + i * kWidth, pack);
  }
}

cudaError_t drop(const Call& call, const float* x, const int32_t* seed, float* y) {
  using S = ports::DropoutForward::Scalar;
  const int64_t n = call.integer(S::BLD);
  const uint32_t stream = static_cast<uint32_t>(call.integer(S::stream));
  const uint32_t threshold = static_cast<uint32_t>(call.integer(S::threshold));
  const float scale = static_cast<float>(1.0 / (1.0 - threshold / 4294967296.0));
  if (n % 4 == 0 && isAligned16(x) && isAligned16(y)) {
    return launch(dropoutKernel<4>, elementGrid(n / 4), kElementThreads, 0, call.stream, x, seed, y, n / 4, stream,
                  threshold, scale);
  }
  return launch(dropoutKernel<1>, elementGrid(n), kElementThreads, 0, call.stream, x, seed, y, n, stream, threshold,
                scale);
}

cudaError_t runForward(const Call& call) {
  using P = ports::DropoutForward;
  return drop(call, call.in(P::x), call.inInt(P::seed), call.out(P::y));
}
cudaError_t runBackward(const Call& call) {
  using P = ports::DropoutBackward;
  return drop(call, call.in(P::gradY), call.inInt(P::seed), call.out(P::gradX));
}

}  // namespace

const Kernel dropoutForward = {runForward};
const Kernel dropoutBackward = {runBackward};

}  // namespace bmojo::cuda
