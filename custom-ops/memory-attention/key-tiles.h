// The keys that a block of queries meets: window, fading and stored ones, one after the other in tiles of kTile.
// A block has at most kQueries queries, all of one chunk.
#pragma once
#include "native/simd.h"

namespace bmojo {

struct AttentionSizes {
  int B, L, M, H, G, Dh, C, me;
  int window, fading, fadingTokens, queryOffset, firstRow, phase;
};

constexpr int kTile = 128;
// Wide lanes: one vector, so that a block of queries fits small windows.
constexpr int kQueryVectors = kLanes < 16 ? 2 : 1;
constexpr int kQueries = kQueryVectors * kLanes;
constexpr int kKeysAtOnce = 8 / kQueryVectors;

struct RowRange {
  int begin, end;
};

static inline int maxInt(int a, int b) { return a > b ? a : b; }
static inline int minInt(int a, int b) { return a < b ? a : b; }

static inline IntVec loadInts(const int* p) {
  IntVec v;
  __builtin_memcpy(&v, p, sizeof(v));
  return v;
}

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

// Consecutive keys of one source within a tile; query i of the block sees those in the places [from[i], to[i]), which never
// decrease from a query to the next.
struct KeyRun {
  int begin, end;
  int from[kQueries], to[kQueries];
};

// Up to kTile keys met by one block of queries, in runs, then padding to a multiple of kKeysAtOnce that no query sees.
struct KeyTile {
  int count, runs;
  const float* keys[kTile];
  const float* values[kTile];
  float* gradKeys[kTile];
  float* gradValues[kTile];
  KeyRun run[3];
};

// One kind of memory for one block of queries: rows of k and v, contiguous or listed, of which query i sees
// [from[i], to[i]).
struct KeySource {
  const float* keys;
  const float* values;
  float* gradKeys;
  float* gradValues;
  const int* list;  // null for contiguous rows
  int begin, end;
  int from[kQueries], to[kQueries];
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
  for (int kind = 0; kind < 3; kind++) {
    const bool isFading = kind == 1, isStored = kind == 2;
    if (isFading && s.fading == 0) continue;
    if (isStored && (!call.positions || s.me == 0)) continue;
    KeySource& source = sources[n];
    for (int i = 0; i < kQueries; i++) {
      RowRange range = isStored ? RowRange{0, s.me} : isFading ? fadingRange(s, first + i) : windowRange(s, first + i);
      source.from[i] = range.begin;
      source.to[i] = i < count ? range.end : range.begin;
    }
    source.begin = source.from[0];
    source.end = source.to[count - 1];
    if (source.end <= source.begin) continue;
    source.keys = (isFading ? call.kFading : call.k) + base;
    source.values = (isFading ? call.vFading : call.v) + base;
    source.gradKeys = shifted(isFading ? call.gradKFading : call.gradK, base);
    source.gradValues = shifted(isFading ? call.gradVFading : call.gradV, base);
    source.list = isStored ? call.positions + ((int64_t)b * s.C + (s.phase + first) / s.window) * s.me : nullptr;
    n++;
  }
  return n;
}

static inline int within(int x, int low, int high) { return minInt(maxInt(x, low), high); }

// Appends a run of the keys of a source from `at` on, as many as the tile has room for; returns where the next one begins.
// Empty slots are skipped.
static inline int appendRun(const KeySource& source, int at, int64_t stride, KeyTile& tile) {
  const int begin = tile.count, first = at;
  auto put = [&](int place, int64_t offset) {
    tile.keys[place] = source.keys + offset;
    tile.values[place] = source.values + offset;
    if (!source.gradKeys) return;
    tile.gradKeys[place] = source.gradKeys + offset;
    tile.gradValues[place] = source.gradValues + offset;
  };
  if (source.list) {
    for (; at < source.end && tile.count < kTile; at++) {
      if (source.list[at] >= 0) put(tile.count++, source.list[at] * stride);
    }
  } else {
    at = minInt(source.end, at + kTile - begin);
    tile.count += at - first;
    for (int i = first; i < at; i++) put(begin + i - first, i * stride);
  }
  if (tile.count == begin) return at;
  KeyRun& run = tile.run[tile.runs++];
  run.begin = begin;
  run.end = tile.count;
  for (int i = 0; i < kQueries; i++) {
    run.from[i] = within(source.from[i] - first, 0, tile.count - begin) + begin;
    run.to[i] = within(source.to[i] - first, 0, tile.count - begin) + begin;
  }
  return at;
}

// Calls visit(tile, keys) for every tile that a block of `queries` queries from `first` on meets: keys is the tile's count
// with its padding.
template <typename Visit>
static inline void eachTile(const AttentionCall& call, int b, int g, int first, int queries, const Visit& visit) {
  const int64_t stride = (int64_t)call.sizes.G * call.sizes.Dh;
  KeySource sources[3];
  const int count = keySources(call, b, g, first, queries, sources);
  KeyTile tile;
  tile.count = tile.runs = 0;
  for (int source = 0; source < count; source++) {
    for (int at = sources[source].begin; at < sources[source].end;) {
      at = appendRun(sources[source], at, stride, tile);
      const bool isLast = source == count - 1 && at == sources[source].end;
      if (tile.count == 0 || (tile.count < kTile && !isLast)) continue;
      int keys = tile.count;
      for (; keys % kKeysAtOnce != 0; keys++) {
        tile.keys[keys] = tile.keys[0];
        tile.values[keys] = tile.values[0];
      }
      visit(tile, keys);
      tile.count = tile.runs = 0;
    }
  }
}

// Length of the query block at `first`: it stays within one chunk.
static inline int blockLength(const AttentionSizes& s, int first) {
  int toChunkEnd = s.window - (s.phase + first) % s.window;
  return minInt(minInt(kQueries, toChunkEnd), s.L - first);
}

// Which lanes' queries see the key at `place`.
static inline IntVec seenBy(const KeyRun& run, int place, int vector) {
  IntVec from = loadInts(run.from + vector * kLanes), to = loadInts(run.to + vector * kLanes);
  return (place - IntVec{} >= from) & (place - IntVec{} < to);
}

}  // namespace bmojo
