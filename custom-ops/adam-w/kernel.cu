// One AdamW step in place on CUDA, in one pass over parameter, gradient and both moments.
#include "native/cuda/elementwise.cuh"
#include "native/cuda/kernels.h"

namespace bmojo::cuda {

namespace {

struct Factors {
  float beta1, rest1, beta2, rest2, epsilon, keep, rate, correction;
};

template <int kWidth>
__global__ void adamWKernel(float* __restrict__ parameter, const float* __restrict__ gradient,
                            float* __restrict__ firstMoment, float* __restrict__ secondMoment,
                            const float* __restrict__ gradientScale, int64_t packs, Factors f) {
  const float scale = gradientScale ? *gradientScale : 1.0f;
  for (int64_t i = firstElement(); i < packs; i += elementStride()) {
    Pack<kWidth> p = loadPack<kWidth>(parameter + i * kWidth), m = loadPack<kWidth>(firstMoment + i * kWidth);
    Pack<kWidth> v = loadPack<kWidth>(secondMoment + i * kWidth);
    const Pack<kWidth> gradients = loadPack<kWidth>(gradient + i * kWidth);
#pragma unroll
    for (int k = 0; k < kWidth; k++) {
      const float g = gradients.x[k] * scale;
      m.x[k] = m.x[k] * f.beta1 + g * f.rest1;
      v.x[k] = v.x[k] * f.beta2 + g * g * f.rest2;
      p.x[k] = p.x[k] * f.keep - f.rate * (m.x[k] / (sqrtf(v.x[k]) * f.correction + f.epsilon));
    }
    storePack<kWidth>(firstMoment + i * kWidth, m);
    storePack<kWidth>(secondMoment + i * kWidth, v);
    storePack<kWidth>(parameter + i * kWidth, p);
  }
}

}  // namespace

cudaError_t adamW(const Call& call) {
  const int64_t n = call.integer(0);
  float *parameter = call.inPlace(0), *firstMoment = call.inPlace(2), *secondMoment = call.inPlace(3);
  const float *gradient = call.in(1), *scale = call.in(4);
  const Factors f = {call.number(1), call.number(2), call.number(3), call.number(4),
                     call.number(5), call.number(6), call.number(7), call.number(8)};
  const bool isAligned =
      isAligned16(parameter) && isAligned16(gradient) && isAligned16(firstMoment) && isAligned16(secondMoment);
  if (n % 4 == 0 && isAligned) {
    return launch(adamWKernel<4>, elementGrid(n / 4), kElementThreads, 0, call.stream, parameter, gradient,
                  firstMoment, secondMoment, scale, n / 4, f);
  }
  return launch(adamWKernel<1>, elementGrid(n), kElementThreads, 0, call.stream, parameter, gradient, firstMoment,
                secondMoment, scale, n, f);
}

}  // namespace bmojo::cuda
