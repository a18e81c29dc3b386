// One AdamW step on CUDA, in place or into other memory, in one pass over parameter, gradient and both moments.
#include "native/cuda/elementwise.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

namespace {

struct Factors {
  float beta1, rest1, beta2, rest2, epsilon, keep, rate, correction, learningRate, step, logBeta1, logBeta2;
};

// The factors of a step before which some were skipped: the bias of the moments is that of the steps that were made.
__device__ Factors withSkipped(Factors f, const float* skipped) {
  if (!skipped || *skipped <= 0.0f) return f;
  const float made = f.step - *skipped;
  f.rate = f.learningRate / -expm1f(made * f.logBeta1);
  f.correction = 1.0f / sqrtf(-expm1f(made * f.logBeta2));
  return f;
}

struct State {
  const float *parameter, *firstMoment, *secondMoment;
};

// `from` and `to` may be the same memory: a thread reads its elements before it writes them.
struct Result {
  float *parameter, *firstMoment, *secondMoment;
};

template <int kWidth>
__global__ void adamWKernel(State from, Result to, const float* __restrict__ gradient,
                            const float* __restrict__ gradientScale, const float* __restrict__ skipped, int64_t packs,
                            Factors given) {
  const Factors f = withSkipped(given, skipped);
  const float scale = gradientScale ? *gradientScale : 1.0f;
  const bool skips = isnan(scale);
  for (int64_t i = firstElement(); i < packs; i += elementStride()) {
    const int64_t at = i * kWidth;
    Pack<kWidth> p = loadPack<kWidth>(from.parameter + at), m = loadPack<kWidth>(from.firstMoment + at);
    Pack<kWidth> v = loadPack<kWidth>(from.secondMoment + at);
    const Pack<kWidth> gradients = loadPack<kWidth>(gradient + at);
#pragma unroll
    for (int k = 0; k < kWidth; k++) {
      if (skips) break;
      const float g = gradients.x[k] * scale;
      m.x[k] = m.x[k] * f.beta1 + g * f.rest1;
      v.x[k] = v.x[k] * f.beta2 + g * g * f.rest2;
      p.x[k] = p.x[k] * f.keep - f.rate * (m.x[k] / (sqrtf(v.x[k]) * f.correction + f.epsilon));
    }
    storePack<kWidth>(to.firstMoment + at, m);
    storePack<kWidth>(to.secondMoment + at, v);
    storePack<kWidth>(to.parameter + at, p);
  }
}

cudaError_t run(const Call& call) {
  using P = ports::AdamW;
  using S = P::Scalar;
  const int64_t n = call.integer(S::elements);
  const State from = {call.in(P::parameter), call.in(P::firstMoment), call.in(P::secondMoment)};
  const Result to = {call.inPlace(P::parameter, 0), call.inPlace(P::firstMoment, 1), call.inPlace(P::secondMoment, 2)};
  const float *gradient = call.in(P::gradient), *scale = call.in(P::gradientScale), *skipped = call.in(P::skipped);
  const Factors f = {call.number(S::beta1), call.number(S::rest1), call.number(S::beta2), call.number(S::rest2),
                     call.number(S::epsilon), call.number(S::keep), call.number(S::rate), call.number(S::correction),
                     call.number(S::learningRate), call.number(S::step), call.number(S::logBeta1),
                     call.number(S::logBeta2)};
  const bool isAligned = isAligned16(from.parameter) && isAligned16(from.firstMoment) &&
                         isAligned16(from.secondMoment) && isAligned16(to.parameter) && isAligned16(to.firstMoment) &&
                         isAligned16(to.secondMoment) && isAligned16(gradient);
  if (n % 4 == 0 && isAligned) {
    return launch(adamWKernel<4>, elementGrid(n / 4), kElementThreads, 0, call.stream, from, to, gradient, scale, skipped,
                  n / 4, f);
  }
  return launch(adamWKernel<1>, elementGrid(n), kElementThreads, 0, call.stream, from, to, gradient, scale, skipped, n,
                f);
}

}  // namespace

const Kernel adamW = {run};

}  // namespace bmojo::cuda
