// Depthwise causal convolution; batch rows and channels are independent, lanes are channels. The last K inputs, and the
// gradients of those still to be completed, stay in registers while time goes by.
#pragma once
#include "native/simd.h"

namespace bmojo {

struct ConvSizes {
  int L, E, K, silu;
};

constexpr int kMostTaps = 16;

struct ConvInputs {
  const float *x, *weight, *bias, *initialState;
};

static inline const float* rowOf(const float* p, int64_t offset) { return p ? p + offset : nullptr; }
static inline float* rowOf(float* p, int64_t offset) { return p ? p + offset : nullptr; }

// Tokens that all channels go through before the next ones: their rows stay in the nearest cache. At least kMostTaps.
constexpr int kConvTokens = 32;

// Taps, and the inputs of the K - 1 steps before `from`, for channels [e, e + lanes) of one batch row.
static inline void convBegin(const ConvInputs& in, int64_t first, int64_t state, int e, int lanes, int K, int E, int from,
                             Vec* taps, Vec* past) {
  for (int i = 0; i < K; i++) taps[i] = loadPart(in.weight + (int64_t)i * E + e, lanes);
  for (int i = 0; i < K - 1; i++) {
    if (from > 0) past[i] = loadPart(in.x + first + (int64_t)(from - K + 1 + i) * E, lanes);
    else past[i] = in.initialState ? loadPart(in.initialState + state + (int64_t)i * E + e, lanes) : Vec{};
  }
}

// kK: the number of taps when it is known at compile time, 0 otherwise.
template <int kK>
static inline void convForwardBlock(const ConvInputs& in, float* y, float* finalState, const ConvSizes& s, int b, int e,
                                    int from, int to) {
  const int K = kK ? kK : s.K, lanes = s.E - e < kLanes ? s.E - e : kLanes;
  const int64_t first = (int64_t)b * s.L * s.E + e, state = (int64_t)b * (K - 1) * s.E;
  Vec taps[kK ? kK : kMostTaps], past[kK ? kK : kMostTaps];
  convBegin(in, first, state, e, lanes, K, s.E, from, taps, past);
  const Vec bias = in.bias ? loadPart(in.bias + e, lanes) : Vec{};
  for (int t = from; t < to; t++) {
    past[K - 1] = loadPart(in.x + first + (int64_t)t * s.E, lanes);
    Vec sum = bias;
    for (int i = 0; i < K; i++) sum += taps[i] * past[i];
    storePart(y + first + (int64_t)t * s.E, s.silu ? sum * vsigmoid(sum) : sum, lanes);
    for (int i = 0; i < K - 1; i++) past[i] = past[i + 1];
  }
  if (to < s.L) return;
  for (int i = 0; i < K - 1; i++) storePart(finalState + state + (int64_t)i * s.E + e, past[i], lanes);
}

// Channels [begin, end) (begin a multiple of the lanes) of batch rows [beginRow, endRow).
static inline void convForward(const ConvInputs& in, float* y, float* finalState, const ConvSizes& s, int beginRow,
                               int endRow, int begin, int end) {
  for (int b = beginRow; b < endRow; b++) {
    for (int from = 0; from < s.L; from += kConvTokens) {
      const int to = from + kConvTokens < s.L ? from + kConvTokens : s.L;
      for (int e = begin; e < end; e += kLanes) {
        if (s.K == 4) convForwardBlock<4>(in, y, finalState, s, b, e, from, to);
        else convForwardBlock<0>(in, y, finalState, s, b, e, from, to);
      }
    }
  }
}

struct ConvGradients {
  float *x, *weight, *bias, *initialState;
};

// Adds the part of tokens [from, to) of one batch row to the sums of the taps' and the bias' gradients. Gradients of the
// last inputs wait, incomplete, in their own rows for the tokens after `to`.
template <int kK>
static inline void convBackwardBlock(const ConvInputs& in, const float* gradY, const float* gradFinalState,
                                     const ConvGradients& grads, const ConvSizes& s, int b, int e, int from, int to) {
  const int K = kK ? kK : s.K, lanes = s.E - e < kLanes ? s.E - e : kLanes;
  const int64_t first = (int64_t)b * s.L * s.E + e, state = (int64_t)b * (K - 1) * s.E;
  Vec taps[kK ? kK : kMostTaps], past[kK ? kK : kMostTaps], open[kK ? kK : kMostTaps], gradTaps[kK ? kK : kMostTaps];
  convBegin(in, first, state, e, lanes, K, s.E, from, taps, past);
  const Vec bias = in.bias ? loadPart(in.bias + e, lanes) : Vec{};
  Vec gradBias = {};
  for (int i = 0; i < K; i++) gradTaps[i] = open[i] = Vec{};
  // open[i] belongs to step t - K + 1 + i; steps before the first are rows of the initial state.
  for (int i = 0; i < K - 1 && from > 0; i++)
    open[i] = loadPart(grads.x + first + (int64_t)(from - K + 1 + i) * s.E, lanes);
  auto put = [&](int step, Vec gradient) __attribute__((always_inline)) {
    if (step >= 0) storePart(grads.x + first + (int64_t)step * s.E, gradient, lanes);
    else if (grads.initialState)
      storePart(grads.initialState + state + (int64_t)(K - 1 + step) * s.E + e, gradient, lanes);
  };
  for (int t = from; t < to; t++) {
    past[K - 1] = loadPart(in.x + first + (int64_t)t * s.E, lanes);
    Vec g = loadPart(gradY + first + (int64_t)t * s.E, lanes);
    if (s.silu) {
      Vec sum = bias;
      for (int i = 0; i < K; i++) sum += taps[i] * past[i];
      Vec gate = vsigmoid(sum);
      g *= gate * (1.0f + sum * (1.0f - gate));
    }
    gradBias += g;
    for (int i = 0; i < K; i++) {
      gradTaps[i] += g * past[i];
      open[i] += g * taps[i];
    }
    put(t - K + 1, open[0]);
    for (int i = 0; i < K - 1; i++) {
      past[i] = past[i + 1];
      open[i] = open[i + 1];
    }
    open[K - 1] = Vec{};
  }
  for (int i = 0; i < K - 1; i++) {
    Vec last = to < s.L ? Vec{} : loadPart(gradFinalState + state + (int64_t)i * s.E + e, lanes);
    put(to - K + 1 + i, open[i] + last);
  }
  for (int i = 0; i < K; i++) {
    float* sums = grads.weight + (int64_t)i * s.E + e;
    storePart(sums, loadPart(sums, lanes) + gradTaps[i], lanes);
  }
  if (grads.bias) storePart(grads.bias + e, loadPart(grads.bias + e, lanes) + gradBias, lanes);
}

// Channels [begin, end) of all `rows` batch rows: the gradients of weight and bias are theirs alone.
static inline void convBackward(const ConvInputs& in, const float* gradY, const float* gradFinalState,
                                const ConvGradients& grads, const ConvSizes& s, int rows, int begin, int end) {
  for (int i = 0; i < s.K; i++) fill(grads.weight + (int64_t)i * s.E + begin, 0, end - begin);
  if (grads.bias) fill(grads.bias + begin, 0, end - begin);
  for (int b = 0; b < rows; b++) {
    for (int from = 0; from < s.L; from += kConvTokens) {
      const int to = from + kConvTokens < s.L ? from + kConvTokens : s.L;
      for (int e = begin; e < end; e += kLanes) {
        if (s.K == 4) convBackwardBlock<4>(in, gradY, gradFinalState, grads, s, b, e, from, to);
        else convBackwardBlock<0>(in, gradY, gradFinalState, grads, s, b, e, from, to);
      }
    }
  }
}

}  // namespace bmojo

BMOJO_EXPORT(causal_conv1d_forward)
void causal_conv1d_forward(const float* x, const float* weight, const float* bias, const float* initialState, float* y,
                           float* finalState, int B, int L, int E, int K, int silu) {
  bmojo::convForward({x, weight, bias, initialState}, y, finalState, {L, E, K, silu}, 0, B, 0, E);
}

BMOJO_EXPORT(causal_conv1d_backward)
void causal_conv1d_backward(const float* x, const float* weight, const float* bias, const float* initialState,
                            const float* gradY, const float* gradFinalState, float* gradX, float* gradWeight,
                            float* gradBias, float* gradInitialState, int B, int L, int E, int K, int silu) {
  bmojo::convBackward({x, weight, bias, initialState}, gradY, gradFinalState,
                      {gradX, gradWeight, gradBias, gradInitialState}, {L, E, K, silu}, B, 0, E);
}
