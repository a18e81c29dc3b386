// Distance of each token from the weighted average of those before it; tokens are independent.
#pragma once
#include "native/simd.h"

namespace bmojo {

static inline float innovationOfToken(const float* y, int t, int D, int span) {
  int steps = t < span ? t : span;
  float total = 1.0f;
  for (int i = 0; i < steps; i++) total *= 0.5f;
  float first = steps > 0 ? 0.5f / (1.0f - total) : 0.0f;
  Vec squares = {};
  int d = 0;
  for (; d + kLanes <= D; d += kLanes) {
    Vec error = load(y + d);
    float weight = first;
    for (int i = 1; i <= steps; i++, weight *= 0.5f) error -= weight * load(y - (int64_t)i * D + d);
    squares += error * error;
  }
  float rest = sum(squares);
  for (; d < D; d++) {
    float error = y[d], weight = first;
    for (int i = 1; i <= steps; i++, weight *= 0.5f) error -= weight * y[d - (int64_t)i * D];
    rest += error * error;
  }
  return sqrt1(rest);
}

}  // namespace bmojo

BMOJO_EXPORT(innovation_scores)
void innovation_scores(const float* y, float* scores, int B, int L, int D, int span) {
  for (int row = 0; row < B * L; row++) {
    scores[row] = bmojo::innovationOfToken(y + (int64_t)row * D, row % L, D, span);
  }
}
