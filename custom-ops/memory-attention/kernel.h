// Streaming attention over window, fading and stored tokens. Items are (batch row, key head) pairs: an item owns its keys'
// gradients, so items may run on different threads and every sum has one order.
// A block of queries meets tiles of keys with a running maximum.
#pragma once
#include "memory-attention/key-tiles.h"
#include "memory-attention/tile-products.h"

namespace bmojo {

constexpr float kHidden = -1e30f;

static inline void attentionForwardBlock(const AttentionCall& call, int b, int h, int first, int queries, float* out,
                                         float* logSumExp, float* scratch) {
  const AttentionSizes& s = call.sizes;
  const int Dh = s.Dh, g = (int)((int64_t)h * s.G / s.H);
  const int64_t queryStride = (int64_t)s.H * Dh;
  const int64_t at = ((int64_t)b * s.L + first) * s.H + h;
  float* q = scratch;
  float* sums = q + Dh * kQueries;
  float* scores = sums + Dh * kQueries;
  transposeBlock(call.q + at * Dh, queryStride, queries, Dh, 1.0f / sqrt1((float)Dh), q);
  fill(sums, 0, Dh * kQueries);
  Vec largest[2] = {splat(kHidden), splat(kHidden)}, total[2] = {Vec{}, Vec{}};
  eachTile(call, b, g, first, queries, [&](const KeyTile& tile, int keys) {
    tileProducts(tile.keys, keys, q, Dh, scores);
    for (int half = 0; half < 2; half++) {
      Vec top = largest[half];
      for (int j = 0; j < keys; j++) {
        float* p = scores + j * kQueries + half * kLanes;
        Vec seen = select(seenBy(tile, j, half), load(p), splat(kHidden));
        store(p, seen);
        top = vmax(seen, top);
      }
      Vec shrink = vexp(largest[half] - top);
      Vec sum = total[half] * shrink;
      for (int j = 0; j < keys; j++) {
        float* p = scores + j * kQueries + half * kLanes;
        Vec weight = select(load(p) == kHidden, Vec{}, vexp(load(p) - top));
        store(p, weight);
        sum += weight;
      }
      for (int d = 0; d < Dh; d++) {
        float* o = sums + d * kQueries + half * kLanes;
        store(o, load(o) * shrink);
      }
      largest[half] = top;
      total[half] = sum;
    }
    tileSums(tile.values, keys, scores, Dh, sums);
  });
  for (int i = 0; i < queries; i++) {
    float sum = total[i / kLanes][i % kLanes];
    float* o = out + (at + (int64_t)i * s.H) * Dh;
    for (int d = 0; d < Dh; d++) o[d] = sums[d * kQueries + i] / sum;
    logSumExp[at + (int64_t)i * s.H] = largest[i / kLanes][i % kLanes] + log1(sum);
  }
}

static inline void attentionBackwardBlock(const AttentionCall& call, const float* out, const float* logSumExp,
                                          const float* gradOut, float* gradQ, int b, int h, int first, int queries,
                                          float* scratch) {
  const AttentionSizes& s = call.sizes;
  const int Dh = s.Dh, g = (int)((int64_t)h * s.G / s.H);
  const int64_t queryStride = (int64_t)s.H * Dh;
  const int64_t at = ((int64_t)b * s.L + first) * s.H + h;
  const float scale = 1.0f / sqrt1((float)Dh);
  float* q = scratch;
  float* g_out = q + Dh * kQueries;
  float* sums = g_out + Dh * kQueries;
  float* weights = sums + Dh * kQueries;
  float* gradWeights = weights + kTile * kQueries;
  transposeBlock(call.q + at * Dh, queryStride, queries, Dh, scale, q);
  transposeBlock(gradOut + at * Dh, queryStride, queries, Dh, 1, g_out);
  fill(sums, 0, Dh * kQueries);
  Vec normaliser[2] = {Vec{}, Vec{}}, mean[2] = {Vec{}, Vec{}};
  for (int i = 0; i < queries; i++) {
    int64_t head = at + (int64_t)i * s.H;
    normaliser[i / kLanes][i % kLanes] = logSumExp[head];
    mean[i / kLanes][i % kLanes] = dot(gradOut + head * Dh, out + head * Dh, Dh);
  }
  eachTile(call, b, g, first, queries, [&](const KeyTile& tile, int keys) {
    tileProducts(tile.keys, keys, q, Dh, weights);
    tileProducts(tile.values, keys, g_out, Dh, gradWeights);
    for (int j = 0; j < keys; j++) {
      for (int half = 0; half < 2; half++) {
        float* p = weights + j * kQueries + half * kLanes;
        float* dp = gradWeights + j * kQueries + half * kLanes;
        Vec weight = select(seenBy(tile, j, half), vexp(load(p) - normaliser[half]), Vec{});
        store(p, weight);
        store(dp, weight * (load(dp) - mean[half]) * scale);
      }
    }
    tileSums(tile.keys, keys, gradWeights, Dh, sums);
    tileGradients(tile.gradKeys, tile.count, gradWeights, call.q + at * Dh, queryStride, queries, Dh);
    tileGradients(tile.gradValues, tile.count, weights, gradOut + at * Dh, queryStride, queries, Dh);
  });
  for (int i = 0; i < queries; i++) {
    float* o = gradQ + (at + (int64_t)i * s.H) * Dh;
    for (int d = 0; d < Dh; d++) o[d] = sums[d * kQueries + i];
  }
}

// Floats of scratch for one thread.
static inline int attentionScratch(int Dh) { return (3 * Dh + 2 * kTile) * kQueries; }

// Part `part` of `parts` of the query blocks of items [begin, end).
static inline void attentionForward(const AttentionCall& call, float* out, float* logSumExp, float* scratch, int begin,
                                    int end, int part, int parts) {
  const AttentionSizes& s = call.sizes;
  int share = s.H / s.G;
  int64_t from = (int64_t)s.L * part / parts, to = (int64_t)s.L * (part + 1) / parts;
  for (int item = begin; item < end; item++) {
    int b = item / s.G, g = item % s.G;
    for (int first = 0; first < to; first += blockLength(s, first)) {
      if (first < from) continue;
      int queries = blockLength(s, first);
      for (int h = g * share; h < (g + 1) * share; h++) {
        attentionForwardBlock(call, b, h, first, queries, out, logSumExp, scratch);
      }
    }
  }
}

static inline void clearRows(float* x, int rows, int64_t stride, int width) {
  if (!x) return;
  for (int row = 0; row < rows; row++) fill(x + row * stride, 0, width);
}

static inline void attentionBackward(const AttentionCall& call, const float* out, const float* logSumExp,
                                     const float* gradOut, float* gradQ, float* scratch, int begin, int end) {
  const AttentionSizes& s = call.sizes;
  int share = s.H / s.G;
  int64_t stride = (int64_t)s.G * s.Dh;
  for (int item = begin; item < end; item++) {
    int b = item / s.G, g = item % s.G;
    int64_t base = ((int64_t)b * s.M * s.G + g) * s.Dh;
    float* all[] = {call.gradK, call.gradV, call.gradKFading, call.gradVFading};
    for (float* grad : all) clearRows(shifted(grad, base), s.M, stride, s.Dh);
    for (int first = 0; first < s.L; first += blockLength(s, first)) {
      int queries = blockLength(s, first);
      for (int h = g * share; h < (g + 1) * share; h++) {
        attentionBackwardBlock(call, out, logSumExp, gradOut, gradQ, b, h, first, queries, scratch);
      }
    }
  }
}

}  // namespace bmojo

BMOJO_EXPORT(memory_attention_forward)
void memory_attention_forward(const float* q, const float* k, const float* v, const float* kFading,
                              const float* vFading, const int* positions, float* out, float* logSumExp, float* scratch,
                              int B, int L, int M, int H, int G, int Dh, int C, int me, int window, int fading,
                              int fadingTokens, int queryOffset, int firstRow, int phase) {
  bmojo::AttentionCall call = {
      {B, L, M, H, G, Dh, C, me, window, fading, fadingTokens, queryOffset, firstRow, phase},
      q, k, v, kFading, vFading, positions, nullptr, nullptr, nullptr, nullptr};
  bmojo::attentionForward(call, out, logSumExp, scratch, 0, B * G, 0, 1);
}

BMOJO_EXPORT(memory_attention_backward)
void memory_attention_backward(const float* q, const float* k, const float* v, const float* kFading,
                               const float* vFading, const int* positions, const float* out, const float* logSumExp,
                               const float* gradOut, float* gradQ, float* gradK, float* gradV, float* gradKFading,
                               float* gradVFading, float* scratch, int B, int L, int M, int H, int G, int Dh, int C,
                               int me, int window, int fading, int fadingTokens, int queryOffset, int firstRow,
                               int phase) {
  bmojo::AttentionCall call = {
      {B, L, M, H, G, Dh, C, me, window, fading, fadingTokens, queryOffset, firstRow, phase},
      q, k, v, kFading, vFading, positions, gradK, gradV, gradKFading, gradVFading};
  bmojo::attentionBackward(call, out, logSumExp, gradOut, gradQ, scratch, 0, B * G);
}
