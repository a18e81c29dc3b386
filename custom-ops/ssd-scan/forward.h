// The state-space dual scan of the heads of one group: few tokens one by one, many in chunks.
#pragma once
#include "ssd-scan/chunk.h"

namespace bmojo {

// Token by token.
static inline void ssdFewTokens(const SsdInputs& in, float* y, float* finalState, float* chunkStates, const SsdSizes& s,
                                const SsdHeads& heads, const SsdTokens& tokens) {
  const SsdChunk chunk(in, s, heads.b, heads.begin / (s.H / s.G), 0);
  for (int h = heads.begin; h < heads.end; h++) {
    const int64_t own = ((int64_t)heads.b * s.H + h) * s.P * s.N;
    float* state = finalState + own;
    ssdStart(s, in.initialState, own, state);
    __builtin_memcpy(chunkStates + chunk.stateAt(h), state, s.P * s.N * 4);
    ssdTokens(chunk, h, tokens);
    const float skip = in.D ? in.D[h] : 0.0f;
    for (int t = 0; t < s.L; t++) {
      const float decay = power2(tokens.decay[t] - (t > 0 ? tokens.decay[t - 1] : 0.0f)), step = tokens.step[t];
      const float *x = in.x + chunk.inputAt(t, h), *writes = chunk.writes(t), *reads = chunk.reads(t);
      float* out = y + chunk.inputAt(t, h);
      for (int p = 0; p < s.P; p++) {
        float* row = state + (int64_t)p * s.N;
        const float input = step * x[p];
        Vec sums = {};
        int n = 0;
        for (; n + kLanes <= s.N; n += kLanes) {
          const Vec next = decay * load(row + n) + input * load(writes + n);
          store(row + n, next);
          sums += next * load(reads + n);
        }
        float total = skip * x[p] + sum(sums);
        for (; n < s.N; n++) {
          row[n] = decay * row[n] + input * writes[n];
          total += row[n] * reads[n];
        }
        out[p] = total;
      }
    }
  }
}

struct SsdForwardScratch {
  float *product, *scores, *weights, *inputs, *reads;
  SsdTokens tokens;
};

// As many floats as definition.ts says.
static inline SsdForwardScratch ssdForwardScratch(float* at, const SsdSizes& s) {
  SsdForwardScratch o;
  o.product = at, at += kGemmScratch;
  o.scores = at, at += s.chunk * s.chunk;
  o.weights = at, at += s.chunk * s.chunk;
  o.inputs = at, at += s.chunk * s.P;
  o.reads = at, at += s.chunk * s.N;
  o.tokens = {at, at + s.chunk, at + 2 * s.chunk};
  return o;
}

static inline int64_t ssdForwardFloats(const SsdSizes& s) {
  return (int64_t)kGemmScratch + (int64_t)s.chunk * (2 * s.chunk + s.P + s.N + 4) + 8 * kLanes;
}

static inline void ssdForward(const SsdInputs& in, float* y, float* finalState, float* chunkStates, const SsdSizes& s,
                              const SsdHeads& heads, float* memory) {
  const SsdForwardScratch scratch = ssdForwardScratch(memory, s);
  const SsdTokens& tokens = scratch.tokens;
  if (s.L <= kFewSsdTokens) return ssdFewTokens(in, y, finalState, chunkStates, s, heads, tokens);
  auto stateOf = [&](int h) { return finalState + ((int64_t)heads.b * s.H + h) * s.P * s.N; };
  for (int h = heads.begin; h < heads.end; h++) ssdStart(s, in.initialState, stateOf(h) - finalState, stateOf(h));
  for (int from = 0; from < s.L; from += s.chunk) {
    const SsdChunk chunk(in, s, heads.b, heads.begin / (s.H / s.G), from);
    const int count = chunk.tokens, wide = chunk.inputStride();
    ssdScores(chunk, scratch.scores, scratch.product);
    for (int h = heads.begin; h < heads.end; h++) {
      float* state = stateOf(h);
      __builtin_memcpy(chunkStates + chunk.stateAt(h), state, s.P * s.N * 4);
      ssdTokens(chunk, h, tokens);
      ssdWeights(chunk, scratch.scores, tokens, scratch.weights);
      const float* x = in.x + chunk.inputAt(0, h);
      float* out = y + chunk.inputAt(0, h);
      gemm(rowMajor(scratch.weights, s.chunk), rowMajor(x, wide), out, wide, count, s.P, count, Into::fresh, nullptr,
           scratch.product);
      scaleRows(scratch.reads, chunk.reads(0), chunk.sharedStride(), count, s.N,
                [&](int t) { return power2(tokens.decay[t]); });
      gemm(rowMajor(scratch.reads, s.N), transposed(state, s.N), out, wide, count, s.P, s.N, Into::sum, nullptr,
           scratch.product);
      if (in.D) {
        for (int t = 0; t < count; t++) axpy(out + (int64_t)t * wide, x + (int64_t)t * wide, in.D[h], s.P);
      }
      const float end = tokens.decay[count - 1];
      scaleRows(scratch.inputs, x, wide, count, s.P,
                [&](int t) { return power2(end - tokens.decay[t]) * tokens.step[t]; });
      scaleInPlace(state, power2(end), s.P * s.N);
      gemm(transposed(scratch.inputs, s.P), rowMajor(chunk.writes(0), chunk.sharedStride()), state, s.N, s.P, s.N, count,
           Into::sum, nullptr, scratch.product);
    }
  }
}

}  // namespace bmojo
