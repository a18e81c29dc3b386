// Attention over the rows that each query names. Items are (batch row, key head) pairs: an item owns its rows' gradients
// and adds to them in the order of its queries.
#pragma once
#include "native/simd.h"

namespace bmojo {

// The logarithm that stands for a query without rows.
constexpr float kNoRows = -1e4f;
// The score of an empty place: less than any other.
constexpr float kNoScore = -1e30f;

struct RetrievedSizes {
  int B, L, M, H, G, Dh, R;
};

struct RetrievedCall {
  RetrievedSizes sizes;
  const float *q, *k, *v;
  const int* rows;
};

// What the gradient has beside the call.
struct RetrievedCotangents {
  const float *out, *logSumExp, *gradOut, *gradLogSumExp;
};

// The places of one query and group: `keys` and `values` begin at the group's first row, rows lie `stride` apart.
struct NamedRows {
  const int* rows;
  int count;
  const float *keys, *values;
  int64_t stride;
};

static inline int paddedPlaces(int R) { return (R + kLanes - 1) / kLanes * kLanes; }

// Floats of scratch for one thread: weights, and their gradients.
static inline int retrievedScratch(int R) { return 2 * paddedPlaces(R); }

static inline NamedRows namedRows(const RetrievedCall& call, int b, int g, int t) {
  const RetrievedSizes& s = call.sizes;
  const int64_t base = ((int64_t)b * s.M * s.G + g) * s.Dh;
  return {call.rows + (((int64_t)b * s.L + t) * s.G + g) * s.R, s.R, call.k + base, call.v + base,
          (int64_t)s.G * s.Dh};
}

// products[r] = factor * x . row r; `none` for empty places, and beyond the last.
static inline void namedProducts(const NamedRows& named, const float* from, const float* x, int Dh, float factor,
                                 float none, float* products) {
  for (int r = 0; r < named.count; r++) {
    const int row = named.rows[r];
    products[r] = row < 0 ? none : factor * dot(x, from + row * named.stride, Dh);
  }
  for (int r = named.count; r < paddedPlaces(named.count); r++) products[r] = none;
}

// sum[d] = the sum of weights[r] * row r, times factor.
static inline void namedSum(const NamedRows& named, const float* from, const float* weights, float factor, int Dh,
                            float* sum) {
  int d = 0;
  for (; d + kLanes <= Dh; d += kLanes) {
    Vec total = {};
    for (int r = 0; r < named.count; r++)
      if (named.rows[r] >= 0) total += weights[r] * load(from + named.rows[r] * named.stride + d);
    store(sum + d, total * factor);
  }
  for (; d < Dh; d++) {
    float total = 0;
    for (int r = 0; r < named.count; r++)
      if (named.rows[r] >= 0) total += weights[r] * from[named.rows[r] * named.stride + d];
    sum[d] = total * factor;
  }
}

static inline void retrievedForwardQuery(const RetrievedCall& call, int b, int g, int t, int h, float* out,
                                         float* logSumExp, float* weights) {
  const RetrievedSizes& s = call.sizes;
  const NamedRows named = namedRows(call, b, g, t);
  const int64_t at = ((int64_t)b * s.L + t) * s.H + h;
  // In units of log 2, so that exponentials are powers of 2.
  namedProducts(named, named.keys, call.q + at * s.Dh, s.Dh, kLog2e / sqrt1((float)s.Dh), kNoScore, weights);
  float peak = kNoScore;
  for (int r = 0; r < s.R; r++) peak = weights[r] > peak ? weights[r] : peak;
  // A NaN is not above the peak, and must not pass for an empty place.
  bool isEmpty = true;
  for (int r = 0; r < s.R; r++) isEmpty = isEmpty && named.rows[r] < 0;
  if (isEmpty) {
    logSumExp[at] = kNoRows;
    fill(out + at * s.Dh, 0, s.Dh);
    return;
  }
  Vec total = {};
  for (int r = 0; r < s.R; r += kLanes) {
    const Vec score = load(weights + r);
    const Vec weight = select(score == kNoScore, Vec{}, vpower2(score - peak));
    store(weights + r, weight);
    total += weight;
  }
  const float normaliser = sum(total);
  logSumExp[at] = peak * (1.0f / kLog2e) + log1(normaliser);
  namedSum(named, named.values, weights, 1.0f / normaliser, s.Dh, out + at * s.Dh);
}

static inline void retrievedBackwardQuery(const RetrievedCall& call, const RetrievedCotangents& in, int b, int g, int t,
                                          int h, float* gradQ, float* gradK, float* gradV, float* scratch) {
  const RetrievedSizes& s = call.sizes;
  const NamedRows named = namedRows(call, b, g, t);
  const int64_t at = ((int64_t)b * s.L + t) * s.H + h;
  const float *q = call.q + at * s.Dh, *gradOut = in.gradOut + at * s.Dh;
  const float scale = 1.0f / sqrt1((float)s.Dh);
  float *weights = scratch, *gradScores = scratch + paddedPlaces(s.R);
  namedProducts(named, named.keys, q, s.Dh, kLog2e * scale, kNoScore, weights);
  namedProducts(named, named.values, gradOut, s.Dh, 1, 0, gradScores);
  const float level = in.logSumExp[at] * kLog2e;
  const float taken = dot(gradOut, in.out + at * s.Dh, s.Dh) - in.gradLogSumExp[at];
  for (int r = 0; r < s.R; r += kLanes) {
    const Vec score = load(weights + r);
    const Vec weight = select(score == kNoScore, Vec{}, vpower2(atMostZero(score - level)));
    store(weights + r, weight);
    store(gradScores + r, weight * (load(gradScores + r) - taken) * scale);
  }
  namedSum(named, named.keys, gradScores, 1, s.Dh, gradQ + at * s.Dh);
  const int64_t base = named.keys - call.k;
  for (int r = 0; r < s.R; r++) {
    if (named.rows[r] < 0) continue;
    const int64_t row = base + named.rows[r] * named.stride;
    axpy(gradK + row, q, gradScores[r], s.Dh);
    axpy(gradV + row, gradOut, weights[r], s.Dh);
  }
}

// Queries [from, to) of items [begin, end).
static inline void retrievedForward(const RetrievedCall& call, float* out, float* logSumExp, float* scratch, int begin,
                                    int end, int from, int to) {
  const RetrievedSizes& s = call.sizes;
  const int share = s.H / s.G;
  for (int item = begin; item < end; item++) {
    const int b = item / s.G, g = item % s.G;
    for (int t = from; t < to; t++)
      for (int h = g * share; h < (g + 1) * share; h++)
        retrievedForwardQuery(call, b, g, t, h, out, logSumExp, scratch);
  }
}

static inline void retrievedBackward(const RetrievedCall& call, const RetrievedCotangents& in, float* gradQ,
                                     float* gradK, float* gradV, float* scratch, int begin, int end) {
  const RetrievedSizes& s = call.sizes;
  const int share = s.H / s.G;
  for (int item = begin; item < end; item++) {
    const int b = item / s.G, g = item % s.G;
    for (int row = 0; row < s.M; row++) {
      const int64_t at = (((int64_t)b * s.M + row) * s.G + g) * s.Dh;
      fill(gradK + at, 0, s.Dh);
      fill(gradV + at, 0, s.Dh);
    }
    for (int t = 0; t < s.L; t++)
      for (int h = g * share; h < (g + 1) * share; h++)
        retrievedBackwardQuery(call, in, b, g, t, h, gradQ, gradK, gradV, scratch);
  }
}

}  // namespace bmojo

BMOJO_EXPORT(retrieved_attention_forward)
void retrieved_attention_forward(const float* q, const float* k, const float* v, const int* rows, float* out,
                                 float* logSumExp, float* scratch, int B, int L, int M, int H, int G, int Dh, int R) {
  bmojo::retrievedForward({{B, L, M, H, G, Dh, R}, q, k, v, rows}, out, logSumExp, scratch, 0, B * G, 0, L);
}

BMOJO_EXPORT(retrieved_attention_backward)
void retrieved_attention_backward(const float* q, const float* k, const float* v, const int* rows, const float* out,
                                  const float* logSumExp, const float* gradOut, const float* gradLogSumExp,
                                  float* gradQ, float* gradK, float* gradV, float* scratch, int B, int L, int M, int H,
                                  int G, int Dh, int R) {
  bmojo::retrievedBackward({{B, L, M, H, G, Dh, R}, q, k, v, rows}, {out, logSumExp, gradOut, gradLogSumExp}, gradQ,
                           gradK, gradV, scratch, 0, B * G);
}
