// Depthwise causal convolution; batch rows are independent, lanes are channels.
#pragma once
#include "native/simd.h"

namespace bmojo {

struct ConvSizes {
  int L, E, K, silu;
};

// Input of step t of one batch row: x from 0 on, the initial state (or zeros: null) before.
static inline const float* convInput(const float* x, const float* initial, int t, const ConvSizes& s) {
  if (t >= 0) return x + (int64_t)t * s.E;
  return initial ? initial + (int64_t)(s.K - 1 + t) * s.E : nullptr;
}

// sums[e] = bias[e] + sum over taps of weight[i][e] * input of step t - K + 1 + i
static inline void convSums(const float* x, const float* initial, const float* weight, const float* bias, int t,
                            const ConvSizes& s, float* sums) {
  int first = t - s.K + 1;
  int e = 0;
  for (; e + kLanes <= s.E; e += kLanes) {
    Vec total = bias ? load(bias + e) : Vec{};
    for (int i = 0; i < s.K; i++) {
      const float* input = convInput(x, initial, first + i, s);
      if (input) total += load(weight + (int64_t)i * s.E + e) * load(input + e);
    }
    store(sums + e, total);
  }
  for (; e < s.E; e++) {
    float total = bias ? bias[e] : 0.0f;
    for (int i = 0; i < s.K; i++) {
      const float* input = convInput(x, initial, first + i, s);
      if (input) total += weight[(int64_t)i * s.E + e] * input[e];
    }
    sums[e] = total;
  }
}

static inline void convForwardRow(const float* x, const float* weight, const float* bias, const float* initial,
                                  float* y, float* finalState, const ConvSizes& s) {
  for (int t = 0; t < s.L; t++) {
    float* out = y + (int64_t)t * s.E;
    convSums(x, initial, weight, bias, t, s, out);
    if (!s.silu) continue;
    int e = 0;
    for (; e + kLanes <= s.E; e += kLanes) store(out + e, load(out + e) * vsigmoid(load(out + e)));
    for (; e < s.E; e++) out[e] *= sigmoid1(out[e]);
  }
  for (int i = 0; i < s.K - 1; i++) {
    const float* input = convInput(x, initial, s.L - s.K + 1 + i, s);
    for (int e = 0; e < s.E; e++) finalState[(int64_t)i * s.E + e] = input ? input[e] : 0.0f;
  }
}

// gradWeight and gradBias (null when absent) are added to. gradInputs holds the gradient of steps -(K-1) ... L-1.
static inline void convBackwardRow(const float* x, const float* weight, const float* bias, const float* initial,
                                   const float* gradY, const float* gradFinalState, float* gradX, float* gradWeight,
                                   float* gradBias, float* gradInitialState, float* gradInputs, float* gradSums,
                                   const ConvSizes& s) {
  const int E = s.E, K = s.K;
  fill(gradInputs, 0, s.L * E);
  for (int i = 0; i < (K - 1) * E; i++) gradInputs[(int64_t)s.L * E + i] = gradFinalState[i];
  for (int t = 0; t < s.L; t++) {
    const float* g = gradY + (int64_t)t * E;
    if (s.silu) {
      convSums(x, initial, weight, bias, t, s, gradSums);
      int e = 0;
      for (; e + kLanes <= E; e += kLanes) {
        Vec sum = load(gradSums + e), gate = vsigmoid(sum);
        store(gradSums + e, load(g + e) * gate * (1.0f + sum * (1.0f - gate)));
      }
      for (; e < E; e++) {
        float gate = sigmoid1(gradSums[e]);
        gradSums[e] = g[e] * gate * (1.0f + gradSums[e] * (1.0f - gate));
      }
      g = gradSums;
    }
    if (gradBias) axpy(gradBias, g, 1.0f, E);
    for (int i = 0; i < K; i++) {
      const float* input = convInput(x, initial, t - K + 1 + i, s);
      const float* w = weight + (int64_t)i * E;
      float* gw = gradWeight + (int64_t)i * E;
      float* gi = gradInputs + (int64_t)(t + i) * E;
      int e = 0;
      for (; e + kLanes <= E; e += kLanes) {
        store(gi + e, load(gi + e) + load(g + e) * load(w + e));
        if (input) store(gw + e, load(gw + e) + load(g + e) * load(input + e));
      }
      for (; e < E; e++) {
        gi[e] += g[e] * w[e];
        if (input) gw[e] += g[e] * input[e];
      }
    }
  }
  for (int i = 0; i < s.L * E; i++) gradX[i] = gradInputs[(int64_t)(K - 1) * E + i];
  if (gradInitialState) {
    for (int i = 0; i < (K - 1) * E; i++) gradInitialState[i] = gradInputs[i];
  }
}

static inline const float* rowOf(const float* p, int64_t offset) { return p ? p + offset : nullptr; }
static inline float* rowOf(float* p, int64_t offset) { return p ? p + offset : nullptr; }

}  // namespace bmojo

BMOJO_EXPORT(causal_conv1d_forward)
void causal_conv1d_forward(const float* x, const float* weight, const float* bias, const float* initialState, float* y,
                           float* finalState, int B, int L, int E, int K, int silu) {
  for (int b = 0; b < B; b++) {
    int64_t at = (int64_t)b * L * E, state = (int64_t)b * (K - 1) * E;
    bmojo::convForwardRow(x + at, weight, bias, bmojo::rowOf(initialState, state), y + at, finalState + state,
                          {L, E, K, silu});
  }
}

BMOJO_EXPORT(causal_conv1d_backward)
void causal_conv1d_backward(const float* x, const float* weight, const float* bias, const float* initialState,
                            const float* gradY, const float* gradFinalState, float* gradX, float* gradWeight,
                            float* gradBias, float* gradInitialState, float* scratch, int B, int L, int E, int K,
                            int silu) {
  bmojo::fill(gradWeight, 0, K * E);
  if (gradBias) bmojo::fill(gradBias, 0, E);
  for (int b = 0; b < B; b++) {
    int64_t at = (int64_t)b * L * E, state = (int64_t)b * (K - 1) * E;
    bmojo::convBackwardRow(x + at, weight, bias, bmojo::rowOf(initialState, state), gradY + at, gradFinalState + state,
                           gradX + at, gradWeight, gradBias, bmojo::rowOf(gradInitialState, state), scratch,
                           scratch + (int64_t)(L + K - 1) * E, {L, E, K, silu});
  }
}
