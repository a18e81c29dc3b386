// The keys that a block of queries meets: window, fading and stored ones, in tiles of kTile.
// Lanes are queries: a block has at most kQueries of them, all of one chunk.
#pragma once
#include "native/simd.h"

namespace bmojo {

struct AttentionSizes {
  int B, L, M, H, G, Dh, C, me;
  int window, fading, fadingTokens, queryOffset, firstRow, phase;
};

constexpr int kTile = 32;
constexpr int kQueries = 2 * kLanes;

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

// Calls visit(tile, keys) for every tile that a block of `queries` queries from `first` on meets: keys is the tile's count
// with its padding.
template <typename Visit>
static inline void eachTile(const AttentionCall& call, int b, int g, int first, int queries, const Visit& visit) {
  const int64_t stride = (int64_t)call.sizes.G * call.sizes.Dh;
  KeySource sources[3];
  int count = keySources(call, b, g, first, queries, sources);
  KeyTile tile;
  for (int source = 0; source < count; source++) {
    for (int row = sources[source].begin; row < sources[source].end;) {
      row = nextTile(sources[source], row, stride, tile);
      if (tile.count > 0) visit(tile, (tile.count + 3) & ~3);
    }
  }
}

// Length of the query block at `first`: it stays within one chunk.
static inline int blockLength(const AttentionSizes& s, int first) {
  int toChunkEnd = s.window - (s.phase + first) % s.window;
  return minInt(minInt(kQueries, toChunkEnd), s.L - first);
}

static inline IntVec seenBy(const KeyTile& tile, int j, int half) {
  IntVec index = tile.index[j] - IntVec{};
  return (index >= tile.begin[half]) & (index < tile.end[half]);
}

}  // namespace bmojo
