// Gradients of rows of keys and values, or of stored slots: a warp owns 16 of them and streams over the queries that can
// see them, a contiguous range, for every head of their group. No atomics: every sum has one owner.
#pragma once
#include "memory-attention/query-gradient.cuh"

namespace bmojo::cuda {

template <int kDh, int kQueries, int kWarps, Precision kPrecision>
struct KeyGradientMemory {
  static constexpr int stride = RowWords<kDh, kPrecision>::stride, owned = RowWords<kDh, kPrecision>::owned;
  static constexpr int tile = kQueries * stride;
  // Queries, cotangents, logarithms of the normalisers, products of output and cotangent, tags.
  static constexpr int numbers = 2 * tile;
  static constexpr int stage = numbers + 3 * kQueries;
  static constexpr int keys = 2 * stage;
  static constexpr int values = keys + kWarps * owned;
  static constexpr int floats = values + kWarps * owned;
};

// kSource tells whose gradients: gradK and gradV are [B, M, G, Dh], for stored slots [B, C * me, G, Dh].
template <int kDh, int kQueries, int kWarps, int kBlocks, Precision kPrecision>
__global__ void __launch_bounds__(kWarps * kWarp, kBlocks)
keyGradientKernel(AttentionProblem p, AttentionCotangents in, Source source, float* __restrict__ gradK,
                  float* __restrict__ gradV) {
  using Memory = KeyGradientMemory<kDh, kQueries, kWarps, kPrecision>;
  BMOJO_SHARED(memory);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const int group = blockIdx.y, b = blockIdx.z, repeats = p.H / p.G;
  const int rows = source == kStored ? p.C * p.me : p.M;
  const int firstOfBlock = blockIdx.x * kWarps * 16, lastOfBlock = min(rows, firstOfBlock + kWarps * 16) - 1;
  const int firstOfWarp = firstOfBlock + warp * 16, lastOfWarp = min(firstOfWarp + 15, lastOfBlock);

  // The owned rows of this lane: where keys and values stand, and the queries that see them.
  const float* const allKeys = source == kFading ? p.kFading : p.k;
  const float* const allValues = source == kFading ? p.vFading : p.v;
  const auto rowOf = [&](int own) {
    if (own > lastOfBlock) return -1;
    return source == kStored ? p.positions[static_cast<int64_t>(b) * rows + own] : own;
  };
  const auto spanOf = [&](int own, int row) {
    Span span = seersOf(p, source, own);
    if (row < 0 || (source != kStored && row < p.firstRow)) span.count = 0;
    return span;
  };
  const int own = firstOfWarp + lane / 4, own8 = own + 8;
  const int row = rowOf(own), row8 = rowOf(own8);
  const Span seers = spanOf(min(own, lastOfBlock), row), seers8 = spanOf(min(own8, lastOfBlock), row8);
  const auto addressOf = [&](const float* all, int at) {
    return at < 0 ? nullptr : all + ((static_cast<int64_t>(b) * p.M + at) * p.G + group) * p.Dh;
  };
  float* const keys = memory + Memory::keys + warp * Memory::owned;
  float* const values = memory + Memory::values + warp * Memory::owned;
  storeFragments<kDh, kPrecision>(keys, addressOf(allKeys, row), addressOf(allKeys, row8), p.Dh, lane);
  storeFragments<kDh, kPrecision>(values, addressOf(allValues, row), addressOf(allValues, row8), p.Dh, lane);

  const int first = max(0, seersOf(p, source, firstOfBlock).low);
  const int last = min(p.L - 1, seersOf(p, source, lastOfBlock).high());
  const int tilesOfHead = last < first ? 0 : (last - first) / kQueries + 1, tiles = tilesOfHead * repeats;
  const auto load = [&](int t) {
    if (t < tiles) {
      float* const stage = memory + t % 2 * Memory::stage;
      const int head = group * repeats + t / tilesOfHead, begin = first + t % tilesOfHead * kQueries;
      constexpr int parts = kParts<kDh, kPrecision>;
      for (int i = threadIdx.x; i < kQueries * parts; i += kWarps * kWarp) {
        const int column = i / parts, part = i % parts, query = begin + column;
        const bool valid = query <= last;
        const int64_t at = valid ? (static_cast<int64_t>(b) * p.L + query) * p.H + head : 0;
        float* const line = stage + column * Memory::stride;
        copyPart<kDh, kPrecision>(line, p.q, p.halves.q, at, part, p.Dh, p.aligned, valid);
        copyPart<kDh, kPrecision>(line + Memory::tile, in.gradOut, p.halves.gradOut, at, part, p.Dh, p.aligned, valid);
        if (part == 0) {
          float* const numbers = stage + Memory::numbers + column;
          copyAsync4(numbers, in.logSumExp + at, valid);
          copyAsync4(numbers + kQueries, in.outDots + at, valid);
          reinterpret_cast<int*>(numbers)[2 * kQueries] = valid ? query : kNowhere;
        }
      }
    }
    copyCommit();
  };

  const Span firstSeers = seersOf(p, source, min(firstOfWarp, lastOfBlock));
  const Span lastSeers = seersOf(p, source, min(lastOfWarp, lastOfBlock));
  const bool canBeWhole = source != kStored && firstOfWarp >= p.firstRow;
  const float factor = p.scale * kLog2e;
  float keySums[kDh / 8][4] = {}, valueSums[kDh / 8][4] = {};
  load(0);
  for (int t = 0; t < tiles; t++) {
    copyWait<0>();
    __syncthreads();
    load(t + 1);
    const int lowest = first + t % tilesOfHead * kQueries, highest = min(last, lowest + kQueries - 1);
    if (firstOfWarp > lastOfWarp || highest < firstSeers.low || lowest > lastSeers.high()) continue;
    const bool isWhole = canBeWhole && highest - lowest == kQueries - 1 && lowest >= lastSeers.low &&
                         highest <= firstSeers.high();
    const float* const stage = memory + t % 2 * Memory::stage;
    const float* const numbers = stage + Memory::numbers + lane % 4 * 2;
    const int* const tags = reinterpret_cast<const int*>(numbers + 2 * kQueries);
    float weights[kQueries / 8][4], gradWeights[kQueries / 8][4];
    scoreProduct<kDh, kQueries, kPrecision>(weights, keys, stage, lane);
    scoreProduct<kDh, kQueries, kPrecision>(gradWeights, values, stage + Memory::tile, lane);
#pragma unroll
    for (int n = 0; n < kQueries / 8; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int column = n * 8 + i % 2;
        const float weight =
            kWeightScale<kPrecision> * softmaxWeight(fmaf(weights[n][i], factor, -kLog2e * numbers[column]));
        const bool isSeen = isWhole || (i < 2 ? seers : seers8).has(tags[column]);
        weights[n][i] = isSeen ? weight : 0.0f;
        gradWeights[n][i] = isSeen ? weight * (gradWeights[n][i] - numbers[kQueries + column]) : 0.0f;
      }
    }
    valueProduct<kDh, kQueries, kPrecision>(valueSums, weights, stage + Memory::tile, 1.0f, 1.0f, lane);
    valueProduct<kDh, kQueries, kPrecision>(keySums, gradWeights, stage, 1.0f, 1.0f, lane);
  }
  const auto gradient = [&](float* all, int at) {
    return at > lastOfBlock ? nullptr : all + ((static_cast<int64_t>(b) * rows + at) * p.G + group) * p.Dh;
  };
  constexpr float valueScale = 1.0f / kWeightScale<kPrecision>;
  const float keyScale = p.scale * valueScale;
  storeRows<kDh>(gradient(gradK, own), gradient(gradK, own8), keySums, keyScale, keyScale, p.Dh, lane);
  storeRows<kDh>(gradient(gradV, own), gradient(gradV, own8), valueSums, valueScale, valueScale, p.Dh, lane);
}

template <int kDh, int kQueries, int kWarps, int kBlocks>
cudaError_t launchKeyGradient(const AttentionProblem& p, const Call& call, const AttentionCotangents& in,
                              Source source, float* gradK, float* gradV) {
  const int rows = source == kStored ? p.C * p.me : p.M;
  const dim3 grid(static_cast<unsigned>(ceilDiv(rows, kWarps * 16)), static_cast<unsigned>(p.G),
                  static_cast<unsigned>(p.B));
  return inPrecision(call.precision, [&](auto precision) {
    constexpr Precision kPrecision = decltype(precision)::value;
    constexpr size_t bytes = KeyGradientMemory<kDh, kQueries, kWarps, kPrecision>::floats * sizeof(float);
    return launch(keyGradientKernel<kDh, kQueries, kWarps, kBlocks, kPrecision>, grid, kWarps * kWarp, bytes, call.stream,
                  p, in, source, gradK, gradV);
  });
}

}  // namespace bmojo::cuda
