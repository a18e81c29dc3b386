// Cross-entropy of integer labels from logits; rows are independent.
#pragma once
#include "native/simd.h"

namespace bmojo {

// log of the sum of exp over a row, with the row's peak taken out so that nothing overflows.
static inline float peakOf(const float* row, int V) {
  Vec peaks = splat(row[0]);
  int v = 0;
  for (; v + kLanes <= V; v += kLanes) peaks = vmax(peaks, load(row + v));
  float peak = peaks[0];
  for (int i = 1; i < kLanes; i++) peak = peaks[i] > peak ? peaks[i] : peak;
  for (; v < V; v++) peak = row[v] > peak ? row[v] : peak;
  return peak;
}

static inline float sumOfExp(const float* row, float peak, int V) {
  Vec totals = {};
  int v = 0;
  for (; v + kLanes <= V; v += kLanes) totals += vexp(load(row + v) - peak);
  float total = sum(totals);
  for (; v < V; v++) total += exp1(row[v] - peak);
  return total;
}

static inline void crossEntropyForward(const float* logits, const int32_t* labels, float* losses, float* logSumExp,
                                       int begin, int end, int V, int ignoreIndex) {
  for (int r = begin; r < end; r++) {
    const float* row = logits + (int64_t)r * V;
    bool ignored = labels[r] == ignoreIndex;
    float peak = ignored ? 0.0f : peakOf(row, V);
    float logTotal = ignored ? 0.0f : log1(sumOfExp(row, peak, V));
    logSumExp[r] = peak + logTotal;
    losses[r] = ignored ? 0.0f : (peak - row[labels[r]]) + logTotal;
  }
}

static inline void crossEntropyBackward(const float* logits, const int32_t* labels, const float* logSumExp,
                                        const float* gradLosses, float* gradLogits, int begin, int end, int V,
                                        int ignoreIndex) {
  for (int r = begin; r < end; r++) {
    const float* row = logits + (int64_t)r * V;
    float* out = gradLogits + (int64_t)r * V;
    if (labels[r] == ignoreIndex) {
      fill(out, 0, V);
      continue;
    }
    int v = 0;
    for (; v + kLanes <= V; v += kLanes) store(out + v, vexp(atMostZero(load(row + v) - logSumExp[r])) * gradLosses[r]);
    for (; v < V; v++) out[v] = vexp(atMostZero(splat(row[v] - logSumExp[r])))[0] * gradLosses[r];
    out[labels[r]] -= gradLosses[r];
  }
}

}  // namespace bmojo

BMOJO_EXPORT(cross_entropy_forward)
void cross_entropy_forward(const float* logits, const int32_t* labels, float* losses, float* logSumExp, int R, int V,
                           int ignoreIndex) {
  bmojo::crossEntropyForward(logits, labels, losses, logSumExp, 0, R, V, ignoreIndex);
}

BMOJO_EXPORT(cross_entropy_backward)
void cross_entropy_backward(const float* logits, const int32_t* labels, const float* logSumExp,
                            const float* gradLosses, float* gradLogits, int R, int V, int ignoreIndex) {
  bmojo::crossEntropyBackward(logits, labels, logSumExp, gradLosses, gradLogits, 0, R, V, ignoreIndex);
}
