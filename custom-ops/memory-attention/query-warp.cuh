// The 16 queries of one head that a warp owns, and its way over the tiles of keys that they see: what the forward pass and
// gradQ have in common.
#pragma once
#include "memory-attention/key-stream.cuh"

namespace bmojo::cuda {

// Shared memory of a block: two stages of keys and values in turn, then `kMatrices` matrices [16, kDh] for every warp.
template <int kDh, int kKeys, int kWarps, int kMatrices, Precision kPrecision>
struct QueryMemory {
  static constexpr int matrices = 2 * KeyStream<kDh, kKeys, kWarps * kWarp, kPrecision>::stage;
  static constexpr int floats = matrices + kMatrices * kWarps * RowWords<kDh, kPrecision>::owned;
  static constexpr size_t bytes = floats * sizeof(float);
};

template <int kDh, int kKeys, int kWarps, Precision kPrecision>
struct QueryWarp {
  using Stream = KeyStream<kDh, kKeys, kWarps * kWarp, kPrecision>;

  const AttentionProblem& p;
  float* const memory;
  const int lane, warp, head, batch;
  const int firstOfBlock, lastOfBlock, first, last;
  // The two queries of a lane, eight apart, and where they stand in arrays [B, L, H].
  const int query, query8;
  const bool isOwn, isOwn8;
  const int64_t row, row8;

  __device__ QueryWarp(const AttentionProblem& p, float* memory)
      : p(p), memory(memory), lane(threadIdx.x % kWarp), warp(threadIdx.x / kWarp), head(blockIdx.y), batch(blockIdx.z),
        firstOfBlock(blockIdx.x * kWarps * 16), lastOfBlock(min(p.L, firstOfBlock + kWarps * 16) - 1),
        first(firstOfBlock + warp * 16), last(min(first + 15, lastOfBlock)), query(first + lane / 4), query8(query + 8),
        isOwn(query < p.L), isOwn8(query8 < p.L), row((static_cast<int64_t>(batch) * p.L + query) * p.H + head),
        row8(row + 8 * static_cast<int64_t>(p.H)) {}

  // Rows of Dh floats in an array [B, L, H, Dh]; null for queries beyond the last.
  template <typename Float>
  __device__ Float* rowOf(Float* all) const { return isOwn ? all + row * p.Dh : nullptr; }
  template <typename Float>
  __device__ Float* row8Of(Float* all) const { return isOwn8 ? all + row8 * p.Dh : nullptr; }

  // The warp's rows of an array [B, L, H, Dh], laid out as matrix number `index` of its own.
  __device__ const float* fragments(const float* all, int index) const {
    float* const to = memory + QueryMemory<kDh, kKeys, kWarps, 1, kPrecision>::matrices +
                      (index * kWarps + warp) * RowWords<kDh, kPrecision>::owned;
    storeFragments<kDh, kPrecision>(to, rowOf(all), row8Of(all), p.Dh, lane);
    return to;
  }

  // Calls visit(stage, source, isWhole) for each tile that any query of the warp sees; isWhole: all see all of it.
  // Every warp of the block must come here.
  template <typename Visit>
  __device__ void forTiles(const Visit& visit) const {
    const Stream stream(p, batch, head / (p.H / p.G), firstOfBlock, lastOfBlock);
    stream.load(memory, 0);
    for (int t = 0; t < stream.count; t++) {
      copyWait<0>();
      __syncthreads();
      stream.load(memory + (t + 1) % 2 * Stream::stage, t + 1);
      const Source source = stream.sourceOf(t);
      int lowest, highest;
      stream.tagsOf(t, lowest, highest);
      const Span seenFirst = seenBy(p, source, first), seenLast = seenBy(p, source, last);
      if (first > last || highest < seenFirst.low || lowest > seenLast.high()) continue;
      const bool isWhole = source != kStored && highest - lowest == kKeys - 1 && lowest >= seenLast.low &&
                           highest <= seenFirst.high();
      visit(memory + t % 2 * Stream::stage, source, isWhole);
    }
  }

  // The tags of a lane's columns: of column n * 8 + i, i = 0, 1, at [n * 8 + i].
  __device__ const int* tagsIn(const float* stage) const {
    return reinterpret_cast<const int*>(stage + 2 * Stream::tile) + lane % 4 * 2;
  }
};

// One block for each kWarps * 16 queries of a head.
template <int kWarps>
dim3 queryGrid(const AttentionProblem& p) {
  return dim3(static_cast<unsigned>(ceilDiv(p.L, kWarps * 16)), static_cast<unsigned>(p.H), static_cast<unsigned>(p.B));
}

}  // namespace bmojo::cuda
