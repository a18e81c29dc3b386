// Sizes and inputs of the state-space dual scan, and what both directions need of a chunk of tokens.
#pragma once
#include "native/gemm.h"

namespace bmojo {

struct SsdSizes {
  int B, L, H, P, G, N, chunk;
  float least, most;
};

struct SsdInputs {
  const float *x, *delta, *A, *B, *C, *D, *deltaBias, *initialState;
};

// Heads [begin, end) of batch row b, all of one group.
struct SsdHeads {
  int b, begin, end;
};

// Below this many tokens (a decode step) packing states for products costs more than it saves.
constexpr int kFewSsdTokens = 4;
// A token's decay as a power of two is at least this: smaller ones are 0, and sums of them would lose what follows.
constexpr float kLeastDecay = -150.0f;

// One chunk: tokens [from, from + tokens) of a group of a batch row.
struct SsdChunk {
  const SsdInputs& in;
  const SsdSizes& s;
  int b, group, from, tokens;

  SsdChunk(const SsdInputs& in, const SsdSizes& s, int b, int group, int from)
      : in(in), s(s), b(b), group(group), from(from), tokens(smaller(s.chunk, s.L - from)) {}

  int64_t row(int t) const { return (int64_t)b * s.L + from + t; }
  int inputStride() const { return s.H * s.P; }
  int sharedStride() const { return s.G * s.N; }
  int64_t inputAt(int t, int h) const { return (row(t) * s.H + h) * s.P; }
  int64_t sharedAt(int t) const { return (row(t) * s.G + group) * s.N; }
  const float* writes(int t) const { return in.B + sharedAt(t); }
  const float* reads(int t) const { return in.C + sharedAt(t); }
  // Of the saved states [B, S, H, P, N].
  int64_t stateAt(int h) const {
    return (((int64_t)b * ((s.L + s.chunk - 1) / s.chunk) + from / s.chunk) * s.H + h) * s.P * s.N;
  }
};

// What the tokens of a chunk are to one head, an array each: step sizes, the roots of their slopes by delta (see
// vsoftplus), and the decay from before the chunk's first token through this one, as a power of two.
struct SsdTokens {
  float *step, *rootSlope, *decay;
};

static inline void ssdTokens(const SsdChunk& chunk, int h, const SsdTokens& tokens) {
  const SsdSizes& s = chunk.s;
  const float bias = chunk.in.deltaBias ? chunk.in.deltaBias[h] : 0.0f, rate = chunk.in.A[h] * kLog2e;
  for (int t = 0; t < chunk.tokens; t += kLanes) {
    Vec raw = {};
    for (int i = 0; i < smaller(kLanes, chunk.tokens - t); i++) raw[i] = chunk.in.delta[chunk.row(t + i) * s.H + h] + bias;
    Softplus free = vsoftplus(raw);
    const IntVec low = free.value < s.least, high = free.value > s.most;
    store(tokens.step + t, select(low, splat(s.least), select(high, splat(s.most), free.value)));
    store(tokens.rootSlope + t, select(low | high, Vec{}, free.rootSlope));
  }
  float sum = 0;
  for (int t = 0; t < chunk.tokens; t++) {
    const float own = rate * tokens.step[t];
    sum += own < kLeastDecay ? kLeastDecay : own;
    tokens.decay[t] = sum;
  }
}

static inline float power2(float x) { return vpower2(splat(x))[0]; }

// to [tokens, width] = rows of `from`, `stride` apart, each times `factor(t)`.
template <class Factor>
static inline void scaleRows(float* to, const float* from, int stride, int tokens, int width, Factor factor) {
  for (int t = 0; t < tokens; t++) {
    const float scale = factor(t);
    const float* row = from + (int64_t)t * stride;
    int i = 0;
    for (; i + kLanes <= width; i += kLanes) store(to + i, scale * load(row + i));
    for (; i < width; i++) to[i] = scale * row[i];
    to += width;
  }
}

static inline void scaleInPlace(float* values, float scale, int count) {
  scaleRows(values, values, 0, 1, count, [=](int) { return scale; });
}

// The first `count` lanes.
static inline IntVec lanesBefore(int count) {
  IntVec mask = {};
  for (int i = 0; i < kLanes; i++) mask[i] = i < count ? -1 : 0;
  return mask;
}

static inline void ssdStart(const SsdSizes& s, const float* from, int64_t at, float* state) {
  const int size = s.P * s.N;
  if (from) __builtin_memcpy(state, from + at, size * 4);
  else fill(state, 0.0f, size);
}

// scores [tokens, chunk] = C B^T, of one group.
static inline void ssdScores(const SsdChunk& chunk, float* scores, float* scratch) {
  gemm(rowMajor(chunk.reads(0), chunk.sharedStride()), transposed(chunk.writes(0), chunk.sharedStride()), scores,
       chunk.s.chunk, chunk.tokens, chunk.tokens, chunk.s.N, Into::fresh, nullptr, scratch);
}

// weights[i][j] = scores[i][j] 2^(decay[i] - decay[j]) step[j] for j <= i, else 0.
static inline void ssdWeights(const SsdChunk& chunk, const float* scores, const SsdTokens& tokens, float* weights) {
  for (int i = 0; i < chunk.tokens; i++) {
    const float *from = scores + i * chunk.s.chunk, decay = tokens.decay[i];
    float* to = weights + i * chunk.s.chunk;
    int j = 0;
    for (; j <= i; j += kLanes) {
      const Vec own = load(from + j) * vpower2(decay - load(tokens.decay + j)) * load(tokens.step + j);
      store(to + j, select(lanesBefore(i + 1 - j), own, Vec{}));
    }
    if (j < chunk.tokens) fill(to + j, 0.0f, chunk.tokens - j);
  }
}

}  // namespace bmojo
