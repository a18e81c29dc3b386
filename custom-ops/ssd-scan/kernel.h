// The state-space dual scan in chunks of tokens: products of matrices within a chunk, one state from chunk to chunk. A call
// takes heads of one group of one batch row, which share what B and C alone make.
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

// scores [tokens, chunk] = C B^T, of one group.
static inline void ssdScores(const SsdChunk& chunk, float* scores, float* scratch) {
  gemm(rowMajor(chunk.reads(0), chunk.sharedStride()), transposed(chunk.writes(0), chunk.sharedStride()), scores,
       chunk.s.chunk, chunk.tokens, chunk.tokens, chunk.s.N, Into::fresh, nullptr, scratch);
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

BMOJO_EXPORT(ssd_scan_forward)
void ssd_scan_forward(const float* x, const float* delta, const float* A, const float* B, const float* C, const float* D,
                      const float* deltaBias, const float* initialState, float* y, float* finalState, float* chunkStates,
                      float* scratch, int batch, int L, int H, int P, int G, int N, int chunk, float least, float most) {
  bmojo::SsdInputs in = {x, delta, A, B, C, D, deltaBias, initialState};
  bmojo::SsdSizes s = {batch, L, H, P, G, N, chunk, least, most};
  for (int b = 0; b < batch; b++) {
    for (int h = 0; h < H; h += H / G) bmojo::ssdForward(in, y, finalState, chunkStates, s, {b, h, h + H / G}, scratch);
  }
}

BMOJO_EXPORT(ssd_scan_backward)
void ssd_scan_backward(const float* x, const float* delta, const float* A, const float* B, const float* C, const float* D,
                       const float* deltaBias, const float* initialState, const float* chunkStates, const float* gradY,
                       const float* gradFinalState, float* gradX, float* gradDelta, float* gradA, float* gradB,
                       float* gradC, float* gradD, float* gradDeltaBias, float* gradInitialState, float* scratch,
                       int batch, int L, int H, int P, int G, int N, int chunk, float least, float most) {
  bmojo::SsdInputs in = {x, delta, A, B, C, D, deltaBias, initialState};
  bmojo::SsdSizes s = {batch, L, H, P, G, N, chunk, least, most};
  bmojo::SsdGradients grads = {gradX, gradDelta, gradA, gradB, gradC, gradD, gradDeltaBias, gradInitialState};
  bmojo::fill(gradA, 0.0f, H);
  if (gradD) bmojo::fill(gradD, 0.0f, H);
  if (gradDeltaBias) bmojo::fill(gradDeltaBias, 0.0f, H);
  for (int b = 0; b < batch; b++) {
    for (int h = 0; h < H; h += H / G) {
      bmojo::ssdBackward(in, chunkStates, gradY, gradFinalState, grads, s, {b, h, h + H / G}, scratch);
    }
  }
}
