// Streaming attention over window, fading and stored tokens. Items are (batch row, key head) pairs: an item owns its keys'
// gradients, so items may run on different threads and every sum has one order.
// Lanes are queries: a block of kQueries of one chunk meets tiles of kTile keys with a running maximum.
#pragma once
#include "native/simd.h"

namespace bmojo {

struct AttentionSizes {
  int B, L, M, H, G, Dh, C, me;
  int window, fading, fadingTokens, queryOffset, firstRow, phase;
};

constexpr int kTile = 32;
constexpr int kQueries = 2 * kLanes;
constexpr float kHidden = -1e30f;

struct RowRange {
  int begin, end;
};

static inline int maxInt(int a, int b) { return a > b ? a : b; }
static inline int minInt(int a, int b) { return a < b ? a : b; }

static inline RowRange windowRange(const AttentionSizes& s, int query) {
  int own = s.queryOffset + query;
  return {maxInt(s.firstRow, own - s.window + 1), own + 1};
}

// Modes: 0 none, 1 sliding, 2 chunk.
static inline RowRange fadingRange(const AttentionSizes& s, int query) {
  int own = s.queryOffset + query;
  if (s.fading == 1) return {maxInt(s.firstRow, own - 2 * s.window + 1), own - s.window + 1};
  if (s.fading == 0) return {0, 0};
  int chunkStart = s.queryOffset + (s.phase + query) / s.window * s.window - s.phase;
  return {maxInt(s.firstRow, chunkStart - s.fadingTokens), chunkStart};
}

// Up to kTile keys met by one block of queries. Which lanes see which key: begin <= index < end.
struct KeyTile {
  int count;
  const float* keys[kTile];
  const float* values[kTile];
  float* gradKeys[kTile];
  float* gradValues[kTile];
  int index[kTile];
  IntVec begin[2], end[2];
};

// One kind of memory for one block of queries: rows of k and v, contiguous or listed.
struct KeySource {
  const float* keys;
  const float* values;
  float* gradKeys;
  float* gradValues;
  const int* list;  // null for contiguous rows
  int begin, end;
  IntVec laneBegin[2], laneEnd[2];
};

struct AttentionCall {
  AttentionSizes sizes;
  const float *q, *k, *v, *kFading, *vFading;
  const int* positions;
  float *gradK, *gradV, *gradKFading, *gradVFading;
};

static inline float* shifted(float* p, int64_t offset) { return p ? p + offset : nullptr; }

// The sources that a block of `count` queries starting at `first` sees; returns how many there are.
static inline int keySources(const AttentionCall& call, int b, int g, int first, int count, KeySource* sources) {
  const AttentionSizes& s = call.sizes;
  int64_t base = ((int64_t)b * s.M * s.G + g) * s.Dh;
  int n = 0;
  for (int kind = 0; kind < 2; kind++) {
    if (kind == 1 && s.fading == 0) continue;
    KeySource& source = sources[n];
    source.begin = s.M;
    source.end = 0;
    for (int half = 0; half < 2; half++) source.laneBegin[half] = source.laneEnd[half] = IntVec{};
    for (int i = 0; i < count; i++) {
      RowRange range = kind == 0 ? windowRange(s, first + i) : fadingRange(s, first + i);
      if (range.end <= range.begin) continue;
      source.laneBegin[i / kLanes][i % kLanes] = range.begin;
      source.laneEnd[i / kLanes][i % kLanes] = range.end;
      source.begin = minInt(source.begin, range.begin);
      source.end = maxInt(source.end, range.end);
    }
    if (source.end <= source.begin) continue;
    source.keys = (kind == 0 ? call.k : call.kFading) + base;
    source.values = (kind == 0 ? call.v : call.vFading) + base;
    source.gradKeys = shifted(kind == 0 ? call.gradK : call.gradKFading, base);
    source.gradValues = shifted(kind == 0 ? call.gradV : call.gradVFading, base);
    source.list = nullptr;
    n++;
  }
  if (call.positions && s.me > 0) {
    KeySource& source = sources[n++];
    source.list = call.positions + ((int64_t)b * s.C + (s.phase + first) / s.window) * s.me;
    source.begin = 0;
    source.end = s.me;
    for (int half = 0; half < 2; half++) source.laneBegin[half] = source.laneEnd[half] = IntVec{};
    for (int i = 0; i < count; i++) source.laneEnd[i / kLanes][i % kLanes] = s.me;
    source.keys = call.k + base;
    source.values = call.v + base;
    source.gradKeys = shifted(call.gradK, base);
    source.gradValues = shifted(call.gradV, base);
  }
  return n;
}

// Fills the next tile of a source from `at`; returns where the one after begins. Empty slots are skipped; the tile is
// padded to a multiple of four keys that no lane sees.
static inline int nextTile(const KeySource& source, int at, int64_t stride, KeyTile& tile) {
  tile.count = 0;
  for (int half = 0; half < 2; half++) {
    tile.begin[half] = source.laneBegin[half];
    tile.end[half] = source.laneEnd[half];
  }
  for (; at < source.end && tile.count < kTile; at++) {
    int row = source.list ? source.list[at] : at;
    if (row < 0) continue;
    int j = tile.count++;
    tile.keys[j] = source.keys + row * stride;
    tile.values[j] = source.values + row * stride;
    tile.gradKeys[j] = shifted(source.gradKeys, row * stride);
    tile.gradValues[j] = shifted(source.gradValues, row * stride);
    tile.index[j] = at;
  }
  for (int j = tile.count; j > 0 && (j & 3) != 0; j++) {
    tile.keys[j] = tile.keys[0];
    tile.values[j] = tile.values[0];
    tile.index[j] = -1;
  }
  return at;
}

static inline int padded(int count) { return (count + 3) & ~3; }

// products[j][lane] = sum over d of rows[j][d] * transposed[d][lane]
static inline void tileProducts(const float* const* rows, int count, const float* transposed, int Dh, float* products) {
  for (int j = 0; j < count; j += 4) {
    const float *r0 = rows[j], *r1 = rows[j + 1], *r2 = rows[j + 2], *r3 = rows[j + 3];
    Vec a0 = {}, a1 = {}, b0 = {}, b1 = {}, c0 = {}, c1 = {}, d0 = {}, d1 = {};
    for (int d = 0; d < Dh; d++) {
      Vec q0 = load(transposed + d * kQueries), q1 = load(transposed + d * kQueries + kLanes);
      a0 += r0[d] * q0;
      a1 += r0[d] * q1;
      b0 += r1[d] * q0;
      b1 += r1[d] * q1;
      c0 += r2[d] * q0;
      c1 += r2[d] * q1;
      d0 += r3[d] * q0;
      d1 += r3[d] * q1;
    }
    float* p = products + j * kQueries;
    store(p, a0);
    store(p + kLanes, a1);
    store(p + kQueries, b0);
    store(p + kQueries + kLanes, b1);
    store(p + 2 * kQueries, c0);
    store(p + 2 * kQueries + kLanes, c1);
    store(p + 3 * kQueries, d0);
    store(p + 3 * kQueries + kLanes, d1);
  }
}

// sums[d][lane] += sum over j of rows[j][d] * weights[j][lane]
static inline void tileSums(const float* const* rows, int count, const float* weights, int Dh, float* sums) {
  for (int j = 0; j < count; j += 4) {
    const float *r0 = rows[j], *r1 = rows[j + 1], *r2 = rows[j + 2], *r3 = rows[j + 3];
    const float* w = weights + j * kQueries;
    Vec a0 = load(w), a1 = load(w + kLanes), b0 = load(w + kQueries), b1 = load(w + kQueries + kLanes);
    Vec c0 = load(w + 2 * kQueries), c1 = load(w + 2 * kQueries + kLanes);
    Vec d0 = load(w + 3 * kQueries), d1 = load(w + 3 * kQueries + kLanes);
    for (int d = 0; d < Dh; d++) {
      float* s = sums + d * kQueries;
      store(s, load(s) + (r0[d] * a0 + r1[d] * b0) + (r2[d] * c0 + r3[d] * d0));
      store(s + kLanes, load(s + kLanes) + (r0[d] * a1 + r1[d] * b1) + (r2[d] * c1 + r3[d] * d1));
    }
  }
}

// grads[j][d] += sum over lanes of weights[j][lane] * rows[lane][d]; rows of one block are `stride` apart.
static inline void tileGradients(float* const* grads, int count, const float* weights, const float* rows,
                                 int64_t stride, int queries, int Dh) {
  for (int j = 0; j < count; j++) {
    const float* w = weights + j * kQueries;
    float* grad = grads[j];
    int i = 0;
    for (; i + 4 <= queries; i += 4) {
      const float* r = rows + i * stride;
      const float w0 = w[i], w1 = w[i + 1], w2 = w[i + 2], w3 = w[i + 3];
      int d = 0;
      for (; d + kLanes <= Dh; d += kLanes) {
        Vec low = w0 * load(r + d) + w1 * load(r + stride + d);
        Vec high = w2 * load(r + 2 * stride + d) + w3 * load(r + 3 * stride + d);
        store(grad + d, load(grad + d) + (low + high));
      }
      for (; d < Dh; d++) {
        grad[d] += (w0 * r[d] + w1 * r[stride + d]) + (w2 * r[2 * stride + d] + w3 * r[3 * stride + d]);
      }
    }
    for (; i < queries; i++) axpy(grad, rows + i * stride, w[i], Dh);
  }
}

// transposed[d][lane] = scale * rows[lane][d]; lanes without a query get zeros.
static inline void transposeBlock(const float* rows, int64_t stride, int queries, int Dh, float scale,
                                  float* transposed) {
  for (int i = 0; i < kQueries; i++) {
    for (int d = 0; d < Dh; d++) transposed[d * kQueries + i] = i < queries ? scale * rows[i * stride + d] : 0.0f;
  }
}

static inline IntVec seenBy(const KeyTile& tile, int j, int half) {
  IntVec index = tile.index[j] - IntVec{};
  return (index >= tile.begin[half]) & (index < tile.end[half]);
}

// Length of the query block at `first`: it stays within one chunk.
static inline int blockLength(const AttentionSizes& s, int first) {
  int toChunkEnd = s.window - (s.phase + first) % s.window;
  return minInt(minInt(kQueries, toChunkEnd), s.L - first);
}

static inline void attentionForwardBlock(const AttentionCall& call, int b, int h, int first, int queries, float* out,
                                         float* logSumExp, float* scratch) {
  const AttentionSizes& s = call.sizes;
  const int Dh = s.Dh, g = (int)((int64_t)h * s.G / s.H);
  const int64_t queryStride = (int64_t)s.H * Dh, keyStride = (int64_t)s.G * Dh;
  const int64_t at = ((int64_t)b * s.L + first) * s.H + h;
  float* q = scratch;
  float* sums = q + Dh * kQueries;
  float* scores = sums + Dh * kQueries;
  transposeBlock(call.q + at * Dh, queryStride, queries, Dh, 1.0f / sqrt1((float)Dh), q);
  fill(sums, 0, Dh * kQueries);
  Vec largest[2] = {splat(kHidden), splat(kHidden)}, total[2] = {Vec{}, Vec{}};
  KeySource sources[3];
  int count = keySources(call, b, g, first, queries, sources);
  KeyTile tile;
  for (int source = 0; source < count; source++) {
    for (int row = sources[source].begin; row < sources[source].end;) {
      row = nextTile(sources[source], row, keyStride, tile);
      if (tile.count == 0) continue;
      int keys = padded(tile.count);
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
    }
  }
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
  const int64_t queryStride = (int64_t)s.H * Dh, keyStride = (int64_t)s.G * Dh;
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
  KeySource sources[3];
  int count = keySources(call, b, g, first, queries, sources);
  KeyTile tile;
  for (int source = 0; source < count; source++) {
    for (int row = sources[source].begin; row < sources[source].end;) {
      row = nextTile(sources[source], row, keyStride, tile);
      if (tile.count == 0) continue;
      int keys = padded(tile.count);
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
    }
  }
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
