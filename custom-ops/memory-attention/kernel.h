// Streaming attention over window, fading and stored tokens. Items are (batch row, key head) pairs: an item owns its keys'
// gradients, so items may run on different threads and every sum has one order.
// A block of queries meets tiles of keys with a running maximum.
#pragma once
#include "memory-attention/key-tiles.h"
#include "memory-attention/seen-values.h"
#include "memory-attention/tile-products.h"

namespace bmojo {

constexpr float kHidden = -1e30f;

// Scores are in units of log 2, so that their exponentials are powers of 2.
static inline void transposeScaled(const float* q, int64_t stride, int queries, int Dh, float* transposed) {
  const float scale = kLog2e / sqrt1((float)Dh);
  transposeBlock(q, stride, queries, Dh, transposed);
  for (int i = 0; i < Dh * kQueries; i += kLanes) store(transposed + i, load(transposed + i) * scale);
}

// scaled = factor * row, possibly in place
static inline void scaleRow(const float* row, float factor, int Dh, float* scaled) {
  int d = 0;
  for (; d + kLanes <= Dh; d += kLanes) store(scaled + d, load(row + d) * factor);
  for (; d < Dh; d++) scaled[d] = row[d] * factor;
}

static inline void attentionForwardBlock(const AttentionCall& call, int b, int h, int first, int queries, float* out,
                                         float* logSumExp, float* scratch) {
  const AttentionSizes& s = call.sizes;
  const int Dh = s.Dh, g = (int)((int64_t)h * s.G / s.H);
  // Rows of Dh before the first query's, and between one query's and the next.
  const int64_t at = ((int64_t)b * s.L + first) * s.H + h, step = s.H;
  float* q = scratch;
  float* sums = q + Dh * kQueries;
  float* scores = sums + Dh * kQueries;
  transposeScaled(call.q + at * Dh, step * Dh, queries, Dh, q);
  fill(sums, 0, Dh * kQueries);
  Vec largest[kQueryVectors], total[kQueryVectors] = {};
  for (Vec& top : largest) top = splat(kHidden);
  bool isFirst = true;
  eachTile(call, b, g, first, queries, [&](const KeyTile& tile, int keys) {
    tileProducts(tile.keys, keys, q, Dh, scores);
    Vec shrink[kQueryVectors];
    for (int v = 0; v < kQueryVectors; v++) {
      Vec top = largest[v];
      for (int r = 0; r < tile.runs; r++) {
        for (int j = tile.run[r].begin; j < tile.run[r].end; j++) {
          float* p = scores + j * kQueries + v * kLanes;
          Vec seen = select(seenBy(tile.run[r], j, v), load(p), splat(kHidden));
          store(p, seen);
          top = vmax(seen, top);
        }
      }
      shrink[v] = vpower2(largest[v] - top);
      Vec sum = total[v] * shrink[v];
      for (int j = 0; j < tile.count; j++) {
        float* p = scores + j * kQueries + v * kLanes;
        Vec weight = select(load(p) == kHidden, Vec{}, vpower2(load(p) - top));
        store(p, weight);
        sum += weight;
      }
      largest[v] = top;
      total[v] = sum;
    }
    if (!isFirst) {
      for (int i = 0; i < queries; i++) scaleRow(sums + i * Dh, shrink[i / kLanes][i % kLanes], Dh, sums + i * Dh);
    }
    isFirst = false;
    addToQueries(tile, tile.values, scores, queries, Dh, sums);
  });
  formSeenSums(call, b, g, first, queries, q, largest, total, scores, sums);
  for (int v = 0; v < kQueryVectors; v++) {
    Vec log = largest[v] * (1.0f / kLog2e) + vlog(total[v]);
    Vec share = 1.0f / total[v];
    for (int i = v * kLanes; i < minInt(queries, (v + 1) * kLanes); i++) {
      logSumExp[at + i * step] = log[i % kLanes];
      scaleRow(sums + i * Dh, share[i % kLanes], Dh, out + (at + i * step) * Dh);
    }
  }
}

// What the gradient has beside the call; gradLogSumExp may be null.
struct AttentionCotangents {
  const float *out, *logSumExp, *gradOut, *gradLogSumExp;
};

static inline void attentionBackwardBlock(const AttentionCall& call, const AttentionCotangents& in, float* gradQ, int b,
                                          int h, int first, int queries, float* scratch) {
  const AttentionSizes& s = call.sizes;
  const int Dh = s.Dh, g = (int)((int64_t)h * s.G / s.H);
  // Rows of Dh before the first query's, and between one query's and the next.
  const int64_t at = ((int64_t)b * s.L + first) * s.H + h, step = s.H;
  const float scale = 1.0f / sqrt1((float)Dh);
  float* q = scratch;
  float* g_out = q + Dh * kQueries;
  float* weights = g_out + Dh * kQueries;
  float* gradWeights = weights + kTile * kQueries;
  float* sums = gradWeights + kTile * kQueries;
  transposeScaled(call.q + at * Dh, step * Dh, queries, Dh, q);
  transposeBlock(in.gradOut + at * Dh, step * Dh, queries, Dh, g_out);
  float* transposedOut = sums;
  transposeBlock(in.out + at * Dh, step * Dh, queries, Dh, transposedOut);
  const float *queryRows[kQueries], *gradOutRows[kQueries];
  float logs[kQueries] = {}, gradLogs[kQueries] = {};
  for (int i = 0; i < queries; i++) {
    queryRows[i] = call.q + (at + i * step) * Dh;
    gradOutRows[i] = in.gradOut + (at + i * step) * Dh;
    logs[i] = in.logSumExp[at + i * step] * kLog2e;
    if (in.gradLogSumExp) gradLogs[i] = in.gradLogSumExp[at + i * step];
  }
  // The mean of the weights' gradients, less the gradient of the normaliser's logarithm.
  Vec normaliser[kQueryVectors], mean[kQueryVectors];
  for (int v = 0; v < kQueryVectors; v++) {
    normaliser[v] = load(logs + v * kLanes);
    mean[v] = -load(gradLogs + v * kLanes);
    for (int i = v * kLanes; i < Dh * kQueries; i += kQueries) mean[v] += load(g_out + i) * load(transposedOut + i);
  }
  fill(sums, 0, Dh * kQueries);
  eachTile(call, b, g, first, queries, [&](const KeyTile& tile, int keys) {
    tileProducts(tile.keys, keys, q, Dh, weights);
    tileProducts(tile.values, keys, g_out, Dh, gradWeights);
    for (int r = 0; r < tile.runs; r++) {
      for (int j = tile.run[r].begin; j < tile.run[r].end; j++) {
        for (int v = 0; v < kQueryVectors; v++) {
          float* p = weights + j * kQueries + v * kLanes;
          float* dp = gradWeights + j * kQueries + v * kLanes;
          Vec weight = select(seenBy(tile.run[r], j, v), vpower2(atMostZero(load(p) - normaliser[v])), Vec{});
          store(p, weight);
          store(dp, weight * (load(dp) - mean[v]) * scale);
        }
      }
    }
    addToQueries(tile, tile.keys, gradWeights, queries, Dh, sums);
    addToKeys(tile, queryRows, gradWeights, queries, Dh, tile.gradKeys);
    addToKeys(tile, gradOutRows, weights, queries, Dh, tile.gradValues);
  });
  for (int i = 0; i < queries; i++) scaleRow(sums + i * Dh, 1, Dh, gradQ + (at + i * step) * Dh);
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

// Few rows at a time and column after column: rows are too short for calls of memset.
static inline void clearRows(float* x, int rows, int64_t stride, int width) {
  constexpr int kRows = 8;
  if (!x) return;
  for (int first = 0; first < rows; first += kRows) {
    const int last = minInt(first + kRows, rows);
    int d = 0;
    for (; d + kLanes <= width; d += kLanes)
      for (int row = first; row < last; row++) store(x + row * stride + d, Vec{});
    for (; d < width; d++)
      for (int row = first; row < last; row++) x[row * stride + d] = 0;
  }
}

static inline void attentionBackward(const AttentionCall& call, const AttentionCotangents& in, float* gradQ,
                                     float* scratch, int begin, int end) {
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
        attentionBackwardBlock(call, in, gradQ, b, h, first, queries, scratch);
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
                               const float* gradOut, const float* gradLogSumExp, float* gradQ, float* gradK,
                               float* gradV, float* gradKFading, float* gradVFading, float* scratch, int B, int L,
                               int M, int H, int G, int Dh, int C, int me, int window, int fading, int fadingTokens,
                               int queryOffset, int firstRow, int phase) {
  bmojo::AttentionCall call = {
      {B, L, M, H, G, Dh, C, me, window, fading, fadingTokens, queryOffset, firstRow, phase},
      q, k, v, kFading, vFading, positions, gradK, gradV, gradKFading, gradVFading};
  bmojo::attentionBackward(call, {out, logSumExp, gradOut, gradLogSumExp}, gradQ, scratch, 0, B * G);
}
