// One AdamW step in place, in one pass; elements are independent. A scale that is NaN skips the step: it is looked at by its
// bits, since the compiler is told that there is no NaN.
#pragma once
#include "native/simd.h"

namespace bmojo {

struct AdamWFactors {
  float beta1, rest1, beta2, rest2, epsilon, keep, rate, correction, learningRate, step, logBeta1, logBeta2;
};

// 1 - e^x for x <= 0, by six terms of the series of e^y - 1 at y = x / 128, doubled seven times: e^2y - 1 =
// (e^y - 1) (e^y - 1 + 2). The difference itself would lose its digits.
static inline float restOfPower(float x) {
  const float y = (x < -32.0f ? -32.0f : x) * 0.0078125f;
  float e = 1;
  for (int n = 6; n > 1; n--) e = 1 + y * (1.0f / n) * e;
  e *= y;
  for (int i = 0; i < 7; i++) e *= e + 2;
  return -e;
}

// The factors of a step before which some were skipped: the bias of the moments is that of the steps that were made.
static inline AdamWFactors withSkipped(AdamWFactors f, const float* skipped) {
  if (!skipped || *skipped <= 0) return f;
  const float made = f.step - *skipped;
  f.rate = f.learningRate / restOfPower(made * f.logBeta1);
  f.correction = 1 / sqrt1(restOfPower(made * f.logBeta2));
  return f;
}

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
            const float* gradientScale, const float* skipped, int n, float beta1, float rest1, float beta2,
            float rest2, float epsilon, float keep, float rate, float correction, float learningRate, float step,
            float logBeta1, float logBeta2) {
  const bmojo::AdamWFactors factors = {beta1, rest1,      beta2,        rest2, epsilon,  keep,
                                       rate,  correction, learningRate, step,  logBeta1, logBeta2};
  bmojo::adamW(parameter, gradient, firstMoment, secondMoment, gradientScale ? *gradientScale : 1.0f, 0, n,
               bmojo::withSkipped(factors, skipped));
}
