// The gradient of the state-space dual scan of the heads of one group, chunk by chunk from the last.
#pragma once
#include "ssd-scan/chunk.h"

namespace bmojo {

// B and C are [B, L, G, N] buffers of their own for these heads; A, D and deltaBias, [H], are added to.
struct SsdGradients {
  float *x, *delta, *A, *B, *C, *D, *deltaBias, *initialState;
};

struct SsdBackwardScratch {
  float *product, *scores, *gradScores, *pairs, *kept, *fromChunk, *fromLater, *inputs, *shared, *rowSums, *columnSums;
  float *gradLogs, *gradSteps, *gradStates;
  SsdTokens tokens;
};

static inline SsdBackwardScratch ssdBackwardScratch(float* at, const SsdSizes& s) {
  SsdBackwardScratch o;
  const int square = s.chunk * s.chunk;
  o.product = at, at += kGemmScratch;
  o.scores = at, at += square;
  o.gradScores = at, at += square;
  o.pairs = at, at += square;
  o.kept = at, at += square;
  o.fromChunk = at, at += s.chunk * s.P;
  o.fromLater = at, at += s.chunk * s.P;
  o.inputs = at, at += s.chunk * s.P;
  o.shared = at, at += s.chunk * s.N;
  o.rowSums = at, at += s.chunk;
  o.columnSums = at, at += s.chunk;
  o.gradLogs = at, at += s.chunk;
  o.gradSteps = at, at += s.chunk;
  o.tokens = {at, at + s.chunk, at + 2 * s.chunk};
  o.gradStates = at + 3 * s.chunk;
  return o;
}

static inline int64_t ssdBackwardFloats(const SsdSizes& s, int heads) {
  return (int64_t)kGemmScratch + (int64_t)heads * s.P * s.N + (int64_t)s.chunk * (4 * s.chunk + 3 * s.P + s.N + 8) +
         8 * kLanes;
}

// From pairs[i][j] = gradY_i x_j: kept[i][j], which x_j contributes to y_i for each unit of step; the cotangents of scores,
// added to those of other heads; and for each token what its decay is worth, summed over the pairs that it lies between.
// Pairs of a token with itself see no decay: left out here, they need not cancel.
static inline void ssdPairs(const SsdChunk& chunk, const SsdBackwardScratch& o) {
  const int Q = chunk.s.chunk;
  fill(o.columnSums, 0.0f, roundUp(chunk.tokens, kLanes));
  for (int i = 0; i < chunk.tokens; i++) {
    const float decay = o.tokens.decay[i];
    Vec rowSum = {};
    int j = 0;
    for (; j <= i; j += kLanes) {
      const IntVec isPast = lanesBefore(i + 1 - j);
      const Vec score = load(o.scores + i * Q + j);
      const Vec fade = select(isPast, vpower2(decay - load(o.tokens.decay + j)), Vec{});
      const Vec grad = select(isPast, fade * load(o.pairs + i * Q + j) * load(o.tokens.step + j), Vec{});
      store(o.kept + i * Q + j, select(isPast, score * fade, Vec{}));
      store(o.gradScores + i * Q + j, load(o.gradScores + i * Q + j) + grad);
      const Vec apart = select(lanesBefore(i - j), score * grad, Vec{});
      rowSum += apart;
      store(o.columnSums + j, load(o.columnSums + j) + apart);
    }
    if (j < chunk.tokens) fill(o.kept + i * Q + j, 0.0f, chunk.tokens - j);
    o.rowSums[i] = sum(rowSum);
  }
}

// One head of one chunk; `state` stood before it, `gradState` is the cotangent of the one behind it and becomes that of `state`.
static inline void ssdBackwardHead(const SsdChunk& chunk, int h, const float* gradY, const float* state, float* gradState,
                                   const SsdGradients& grads, const SsdBackwardScratch& o) {
  const SsdSizes& s = chunk.s;
  const int count = chunk.tokens, wide = chunk.inputStride(), shared = chunk.sharedStride(), Q = s.chunk;
  const float* x = chunk.in.x + chunk.inputAt(0, h);
  const float* gy = gradY + chunk.inputAt(0, h);
  float* gradX = grads.x + chunk.inputAt(0, h);
  const SsdTokens& tokens = o.tokens;
  ssdTokens(chunk, h, tokens);
  const float end = tokens.decay[count - 1];
  auto untilEnd = [&](int t) { return power2(end - tokens.decay[t]); };
  auto fromStart = [&](int t) { return power2(tokens.decay[t]); };

  gemm(rowMajor(gy, wide), transposed(x, wide), o.pairs, Q, count, count, s.P, Into::fresh, nullptr, o.product);
  ssdPairs(chunk, o);
  gemm(transposed(o.kept, Q), rowMajor(gy, wide), o.fromChunk, s.P, count, s.P, count, Into::fresh, nullptr, o.product);
  scaleRows(o.shared, chunk.writes(0), shared, count, s.N, untilEnd);
  gemm(rowMajor(o.shared, s.N), transposed(gradState, s.N), o.fromLater, s.P, count, s.P, s.N, Into::fresh, nullptr, o.product);

  gemm(rowMajor(gy, wide), rowMajor(state, s.N), o.shared, s.N, count, s.N, s.P, Into::fresh, nullptr, o.product);
  for (int t = 0; t < count; t++) {
    const float* own = o.shared + t * s.N;
    o.rowSums[t] += fromStart(t) * dot(chunk.reads(t), own, s.N);
    axpy(grads.C + chunk.sharedAt(t), own, fromStart(t), s.N);
  }
  gemm(rowMajor(x, wide), rowMajor(gradState, s.N), o.shared, s.N, count, s.N, s.P, Into::fresh, nullptr, o.product);
  for (int t = 0; t < count; t++) {
    axpy(grads.B + chunk.sharedAt(t), o.shared + t * s.N, untilEnd(t) * tokens.step[t], s.N);
  }

  const float skip = chunk.in.D ? chunk.in.D[h] : 0.0f;
  float through = power2(end) * dot(state, gradState, s.P * s.N), skipSum = 0;
  for (int t = 0; t < count; t++) {
    const float *input = x + (int64_t)t * wide, *cotangent = gy + (int64_t)t * wide;
    const float *within = o.fromChunk + t * s.P, *later = o.fromLater + t * s.P;
    const float reached = dot(input, later, s.P);
    o.gradLogs[t] = through;
    through += tokens.step[t] * reached;
    o.gradSteps[t] = reached + dot(input, within, s.P);
    skipSum += dot(cotangent, input, s.P);
    float* to = gradX + (int64_t)t * wide;
    for (int p = 0; p < s.P; p++) to[p] = tokens.step[t] * (within[p] + later[p]) + skip * cotangent[p];
  }
  float open = 0, rateSum = 0, biasSum = 0;
  for (int t = count - 1; t >= 0; t--) {
    open += o.rowSums[t] - o.columnSums[t];
    const float gradLog = o.gradLogs[t] + open;
    const float gradRaw = (o.gradSteps[t] + gradLog * chunk.in.A[h]) * tokens.rootSlope[t] * tokens.rootSlope[t];
    grads.delta[chunk.row(t) * s.H + h] = gradRaw;
    rateSum += gradLog * tokens.step[t];
    biasSum += gradRaw;
  }
  grads.A[h] += rateSum;
  if (grads.D) grads.D[h] += skipSum;
  if (grads.deltaBias) grads.deltaBias[h] += biasSum;

  scaleRows(o.inputs, gy, wide, count, s.P, fromStart);
  scaleInPlace(gradState, power2(end), s.P * s.N);
  gemm(transposed(o.inputs, s.P), rowMajor(chunk.reads(0), shared), gradState, s.N, s.P, s.N, count, Into::sum, nullptr,
       o.product);
}

static inline void ssdBackward(const SsdInputs& in, const float* chunkStates, const float* gradY,
                               const float* gradFinalState, const SsdGradients& grads, const SsdSizes& s,
                               const SsdHeads& heads, float* memory) {
  const SsdBackwardScratch o = ssdBackwardScratch(memory, s);
  const int size = s.P * s.N, Q = s.chunk;
  auto gradStateOf = [&](int h) { return o.gradStates + (int64_t)(h - heads.begin) * size; };
  for (int h = heads.begin; h < heads.end; h++) {
    ssdStart(s, gradFinalState, ((int64_t)heads.b * s.H + h) * size, gradStateOf(h));
  }
  for (int from = (s.L - 1) / Q * Q; from >= 0; from -= Q) {
    const SsdChunk chunk(in, s, heads.b, heads.begin / (s.H / s.G), from);
    const int count = chunk.tokens, shared = chunk.sharedStride();
    ssdScores(chunk, o.scores, o.product);
    fill(o.gradScores, 0.0f, count * Q);
    for (int t = 0; t < count; t++) {
      fill(grads.B + chunk.sharedAt(t), 0.0f, s.N);
      fill(grads.C + chunk.sharedAt(t), 0.0f, s.N);
    }
    for (int h = heads.begin; h < heads.end; h++) {
      ssdBackwardHead(chunk, h, gradY, chunkStates + chunk.stateAt(h), gradStateOf(h), grads, o);
    }
    gemm(rowMajor(o.gradScores, Q), rowMajor(chunk.writes(0), shared), grads.C + chunk.sharedAt(0), shared, count, s.N,
         count, Into::sum, nullptr, o.product);
    gemm(transposed(o.gradScores, Q), rowMajor(chunk.reads(0), shared), grads.B + chunk.sharedAt(0), shared, count, s.N,
         count, Into::sum, nullptr, o.product);
  }
  for (int h = heads.begin; h < heads.end && grads.initialState; h++) {
    __builtin_memcpy(grads.initialState + ((int64_t)heads.b * s.H + h) * size, gradStateOf(h), size * 4);
  }
}

}  // namespace bmojo
