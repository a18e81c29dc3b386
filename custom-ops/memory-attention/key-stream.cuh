// Tiles of keys and values for a block of consecutive queries of one head: window, then fading, then stored ones.
#pragma once
#include "memory-attention/geometry.cuh"
#include "memory-attention/products.cuh"

namespace bmojo::cuda {

template <int kDh, int kKeys, int kThreads, Precision kPrecision>
struct KeyStream {
  static constexpr int stride = RowWords<kDh, kPrecision>::stride, tile = kKeys * stride;
  // Keys, values, tags.
  static constexpr int stage = 2 * tile + kKeys;

  const AttentionProblem& p;
  int b, group;
  int first[3], last[3], tiles[3], count;

  __device__ KeyStream(const AttentionProblem& p, int b, int group, int firstQuery, int lastQuery)
      : p(p), b(b), group(group) {
    const Source sources[3] = {kWindow, kFading, kStored};
    count = 0;
#pragma unroll
    for (int s = 0; s < 3; s++) {
      const bool has = s == kWindow || (s == kFading ? p.fading != kNone : p.me > 0);
      first[s] = 0, last[s] = -1;
      if (has) {
        first[s] = seenBy(p, sources[s], firstQuery).low;
        last[s] = seenBy(p, sources[s], lastQuery).high();
        if (s == kStored) first[s] = first[s] * p.me, last[s] = last[s] * p.me + p.me - 1;
        else first[s] = max(first[s], p.firstRow);
      }
      tiles[s] = last[s] < first[s] ? 0 : (last[s] - first[s]) / kKeys + 1;
      count += tiles[s];
    }
  }

  __device__ Source sourceOf(int t) const {
    return t < tiles[0] ? kWindow : t < tiles[0] + tiles[1] ? kFading : kStored;
  }

  // First row or slot of a tile.
  __device__ int beginOf(int t) const {
    const Source source = sourceOf(t);
    if (source == kWindow) return first[0] + t * kKeys;
    if (source == kFading) return first[1] + (t - tiles[0]) * kKeys;
    return first[2] + (t - tiles[0] - tiles[1]) * kKeys;
  }

  // Lowest and highest tag that a tile may hold.
  __device__ void tagsOf(int t, int& low, int& high) const {
    const Source source = sourceOf(t);
    const int end = source == kWindow ? last[0] : source == kFading ? last[1] : last[2];
    low = beginOf(t), high = min(end, low + kKeys - 1);
    if (source == kStored) low /= p.me, high /= p.me;
  }

  __device__ void load(float* to, int t) const {
    if (t < count) {
      const Source source = sourceOf(t);
      const int begin = beginOf(t), end = source == kWindow ? last[0] : source == kFading ? last[1] : last[2];
      const bool isFading = source == kFading;
      const float *const keys = isFading ? p.kFading : p.k, *const values = isFading ? p.vFading : p.v;
      const float* const keyHalves = isFading ? p.halves.kFading : p.halves.k;
      const float* const valueHalves = isFading ? p.halves.vFading : p.halves.v;
      constexpr int parts = kParts<kDh, kPrecision>;
      int* const tags = reinterpret_cast<int*>(to + 2 * tile);
      for (int i = threadIdx.x; i < kKeys * parts; i += kThreads) {
        const int key = i / parts, part = i % parts;
        int row = begin + key, tag = row;
        bool valid = row <= end;
        if (source == kStored) {
          tag = row / p.me;
          row = valid ? p.positions[static_cast<int64_t>(b) * p.C * p.me + row] : -1;
          valid = row >= 0;
        }
        const int64_t at = valid ? (static_cast<int64_t>(b) * p.M + row) * p.G + group : 0;
        float* const line = to + key * stride;
        copyPart<kDh, kPrecision>(line, keys, keyHalves, at, part, p.Dh, p.aligned, valid);
        copyPart<kDh, kPrecision>(line + tile, values, valueHalves, at, part, p.Dh, p.aligned, valid);
        if (part == 0) tags[key] = valid ? tag : kNowhere;
      }
    }
    copyCommit();
  }
};

}  // namespace bmojo::cuda
