// Rotation of channel pairs (i, i + Dh/2) on CUDA: a thread turns one pack of pairs.
#include "native/cuda/elementwise.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

namespace {

template <int kWidth>
__global__ void rotateKernel(const float* __restrict__ x, const float* __restrict__ cosSin, float* __restrict__ y,
                             int64_t packs, int L, int H, int half, float direction) {
  const int packsOfHead = half / kWidth;
  for (int64_t i = firstElement(); i < packs; i += elementStride()) {
    const int64_t head = i / packsOfHead;
    const int at = static_cast<int>(i % packsOfHead) * kWidth;
    const int token = static_cast<int>(head / H % L);
    const float* const cosines = cosSin + static_cast<int64_t>(token) * 2 * half + at;
    const float* const from = x + head * 2 * half + at;
    float* const to = y + head * 2 * half + at;
    const Pack<kWidth> c = loadPack<kWidth>(cosines), s = loadPack<kWidth>(cosines + half);
    const Pack<kWidth> first = loadPack<kWidth>(from), second = loadPack<kWidth>(from + half);
    Pack<kWidth> a, b;
#pragma unroll
    for (int k = 0; k < kWidth; k++) {
      const float sine = s.x[k] * direction;
      a.x[k] = first.x[k] * c.x[k] - second.x[k] * sine;
      b.x[k] = first.x[k] * sine + second.x[k] * c.x[k];
    }
    storePack<kWidth>(to, a);
    storePack<kWidth>(to + half, b);
  }
}

cudaError_t rotate(const Call& call, const float* x, const float* cosSin, float* y, float direction) {
  using S = ports::RotaryEmbeddingForward::Scalar;
  const int tokens = call.integer(S::BL), L = call.integer(S::L), H = call.integer(S::H);
  const int half = call.integer(S::Dh) / 2;
  const int64_t pairs = static_cast<int64_t>(tokens) * H * half;
  if (half % 4 == 0 && isAligned16(x) && isAligned16(cosSin) && isAligned16(y)) {
    return launch(rotateKernel<4>, elementGrid(pairs / 4), kElementThreads, 0, call.stream, x, cosSin, y, pairs / 4, L,
                  H, half, direction);
  }
  return launch(rotateKernel<1>, elementGrid(pairs), kElementThreads, 0, call.stream, x, cosSin, y, pairs, L, H, half,
                direction);
}

cudaError_t runForward(const Call& call) {
  using P = ports::RotaryEmbeddingForward;
  return rotate(call, call.in(P::x), call.in(P::cosSin), call.out(P::y), 1.0f);
}

cudaError_t runBackward(const Call& call) {
  using P = ports::RotaryEmbeddingBackward;
  return rotate(call, call.in(P::gradY), call.in(P::cosSin), call.out(P::gradX), -1.0f);
}

}  // namespace

const Kernel rotaryEmbeddingForward = {runForward};
const Kernel rotaryEmbeddingBackward = {runBackward};

}  // namespace bmojo::cuda
