// One AdamW step in place, in one pass; elements are independent. A scale that is NaN skips the step: it is looked at by its
// bits, since the compiler is told that there is no NaN.
#pragma once
#include "native/simd.h"

namespace bmojo {

struct AdamWFactors {
  float beta1, rest1, beta2, rest2, epsilon, keep, rate, correction;
};

static inline bool skips(float scale) {
  int32_t bits;
  __builtin_memcpy(&bits, &scale, sizeof bits);
  return (bits & 0x7fffffff) > 0x7f800000;
}

static inline void adamW(float* parameter, const float* gradient, float* firstMoment, float* secondMoment, float scale,
                         int begin, int end, const AdamWFactors& f) {
  if (skips(scale)) return;
  int i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    Vec g = load(gradient + i) * scale;
    Vec m = load(firstMoment + i) * f.beta1 + g * f.rest1;
    Vec v = load(secondMoment + i) * f.beta2 + g * g * f.rest2;
    store(firstMoment + i, m);
    store(secondMoment + i, v);
    store(parameter + i, load(parameter + i) * f.keep - f.rate * (m / (vsqrt(v) * f.correction + f.epsilon)));
  }
  for (; i < end; i++) {
    float g = gradient[i] * scale;
    float m = firstMoment[i] * f.beta1 + g * f.rest1;
    float v = secondMoment[i] * f.beta2 + g * g * f.rest2;
    firstMoment[i] = m;
    secondMoment[i] = v;
    parameter[i] = parameter[i] * f.keep - f.rate * (m / (sqrt1(v) * f.correction + f.epsilon));
  }
}

}  // namespace bmojo

BMOJO_EXPORT(adam_w)
void adam_w(float* parameter, const float* gradient, float* firstMoment, float* secondMoment,
            const float* gradientScale, int n, float beta1, float rest1, float beta2, float rest2, float epsilon,
            float keep, float rate, float correction) {
  bmojo::AdamWFactors factors = {beta1, rest1, beta2, rest2, epsilon, keep, rate, correction};
  bmojo::adamW(parameter, gradient, firstMoment, secondMoment, gradientScale ? *gradientScale : 1.0f, 0, n, factors);
}
