// SiLU(gate) * up on CUDA, element by element.
#include "native/cuda/elementwise.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

namespace {

template <int kWidth>
__global__ void forwardKernel(const float* __restrict__ gate, const float* __restrict__ up, float* __restrict__ y,
                              int64_t packs) {
  for (int64_t i = firstElement(); i < packs; i += elementStride()) {
    const Pack<kWidth> g = loadPack<kWidth>(gate + i * kWidth), u = loadPack<kWidth>(up + i * kWidth);
    Pack<kWidth> out;
#pragma unroll
    for (int k = 0; k < kWidth; k++) out.x[k] = g.x[k] * sigmoid(g.x[k]) * u.x[k];
    storePack<kWidth>(y + i * kWidth, out);
  }
}

template <int kWidth>
__global__ void backwardKernel(const float* __restrict__ gate, const float* __restrict__ up,
                               const float* __restrict__ gradY, float* __restrict__ gradGate,
                               float* __restrict__ gradUp, int64_t packs) {
  for (int64_t i = firstElement(); i < packs; i += elementStride()) {
    const Pack<kWidth> g = loadPack<kWidth>(gate + i * kWidth), u = loadPack<kWidth>(up + i * kWidth);
    const Pack<kWidth> dy = loadPack<kWidth>(gradY + i * kWidth);
    Pack<kWidth> dg, du;
#pragma unroll
    for (int k = 0; k < kWidth; k++) {
      const float s = sigmoid(g.x[k]);
      du.x[k] = dy.x[k] * g.x[k] * s;
      dg.x[k] = dy.x[k] * u.x[k] * s * (1.0f + g.x[k] * (1.0f - s));
    }
    storePack<kWidth>(gradGate + i * kWidth, dg);
    storePack<kWidth>(gradUp + i * kWidth, du);
  }
}

cudaError_t runForward(const Call& call) {
  using P = ports::SwigluForward;
  using S = P::Scalar;
  const int64_t n = call.integer(S::BLE);
  const float *gate = call.in(P::gate), *up = call.in(P::up);
  float* y = call.out(P::y);
  if (n % 4 == 0 && isAligned16(gate) && isAligned16(up) && isAligned16(y)) {
    return launch(forwardKernel<4>, elementGrid(n / 4), kElementThreads, 0, call.stream, gate, up, y, n / 4);
  }
  return launch(forwardKernel<1>, elementGrid(n), kElementThreads, 0, call.stream, gate, up, y, n);
}

cudaError_t runBackward(const Call& call) {
  using P = ports::SwigluBackward;
  using S = P::Scalar;
  const int64_t n = call.integer(S::BLE);
  const float *gate = call.in(P::gate), *up = call.in(P::up), *gradY = call.in(P::gradY);
  float *gradGate = call.out(P::gradGate), *gradUp = call.out(P::gradUp);
  const bool isAligned =
      isAligned16(gate) && isAligned16(up) && isAligned16(gradY) && isAligned16(gradGate) && isAligned16(gradUp);
  if (n % 4 == 0 && isAligned) {
    return launch(backwardKernel<4>, elementGrid(n / 4), kElementThreads, 0, call.stream, gate, up, gradY, gradGate,
                  gradUp, n / 4);
  }
  return launch(backwardKernel<1>, elementGrid(n), kElementThreads, 0, call.stream, gate, up, gradY, gradGate, gradUp,
                n);
}

}  // namespace

const Kernel swigluForward = {runForward};
const Kernel swigluBackward = {runBackward};

}  // namespace bmojo::cuda
