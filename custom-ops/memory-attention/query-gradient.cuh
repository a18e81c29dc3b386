// gradQ: the forward pass's tiles again, weights from the saved logarithms of the normalisers.
#pragma once
#include "memory-attention/key-stream.cuh"

namespace bmojo::cuda {

struct AttentionCotangents {
  const float *out, *logSumExp, *gradOut;
  // Products of output and cotangent [B, L, H].
  float* outDots;
};

// A warp for each query and head.
__global__ void outDotsKernel(const float* __restrict__ out, const float* __restrict__ gradOut,
                              float* __restrict__ outDots, int64_t rows, int Dh) {
  const int64_t row = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const int lane = threadIdx.x % kWarp;
  if (row >= rows) return;
  float sum = 0.0f;
  for (int d = lane; d < Dh; d += kWarp) sum = fmaf(out[row * Dh + d], gradOut[row * Dh + d], sum);
  sum = warpSum(sum);
  if (lane == 0) outDots[row] = sum;
}

template <int kDh, int kKeys, int kWarps>
struct QueryGradientMemory {
  using Stream = KeyStream<kDh, kKeys, kWarps * kWarp>;
  static constexpr int queries = 2 * Stream::stage;
  static constexpr int cotangents = queries + kWarps * 16 * kDh;
  static constexpr int floats = cotangents + kWarps * 16 * kDh;
};

template <int kDh, int kKeys, int kWarps, int kBlocks, Precision kPrecision>
__global__ void __launch_bounds__(kWarps * kWarp, kBlocks)
queryGradientKernel(AttentionProblem p, AttentionCotangents in, float* __restrict__ gradQ) {
  using Memory = QueryGradientMemory<kDh, kKeys, kWarps>;
  using Stream = typename Memory::Stream;
  BMOJO_SHARED(memory);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const int head = blockIdx.y, b = blockIdx.z;
  const int group = head / (p.H / p.G);
  const int firstOfBlock = blockIdx.x * kWarps * 16, lastOfBlock = min(p.L, firstOfBlock + kWarps * 16) - 1;
  const Stream stream(p, b, group, firstOfBlock, lastOfBlock);

  const int firstOfWarp = firstOfBlock + warp * 16, lastOfWarp = min(firstOfWarp + 15, lastOfBlock);
  const int query = firstOfWarp + lane / 4, query8 = query + 8;
  const int64_t row = (static_cast<int64_t>(b) * p.L + query) * p.H + head, row8 = row + 8 * static_cast<int64_t>(p.H);
  const bool isOwn = query < p.L, isOwn8 = query8 < p.L;
  float* const queries = memory + Memory::queries + warp * 16 * kDh;
  float* const cotangents = memory + Memory::cotangents + warp * 16 * kDh;
  storeFragments<kDh>(queries, isOwn ? p.q + row * p.Dh : nullptr, isOwn8 ? p.q + row8 * p.Dh : nullptr, p.Dh, lane);
  storeFragments<kDh>(cotangents, isOwn ? in.gradOut + row * p.Dh : nullptr,
                      isOwn8 ? in.gradOut + row8 * p.Dh : nullptr, p.Dh, lane);
  const float level = isOwn ? in.logSumExp[row] * kLog2e : 0.0f, level8 = isOwn8 ? in.logSumExp[row8] * kLog2e : 0.0f;
  const float outDot = isOwn ? in.outDots[row] : 0.0f, outDot8 = isOwn8 ? in.outDots[row8] : 0.0f;
  const float factor = p.scale * kLog2e;
  float sums[kDh / 8][4] = {};

  stream.load(memory, 0);
  for (int t = 0; t < stream.count; t++) {
    copyWait<0>();
    __syncthreads();
    stream.load(memory + (t + 1) % 2 * Stream::stage, t + 1);
    const Source source = stream.sourceOf(t);
    int lowest, highest;
    stream.tagsOf(t, lowest, highest);
    const Span seenFirst = seenBy(p, source, firstOfWarp), seenLast = seenBy(p, source, lastOfWarp);
    if (firstOfWarp > lastOfWarp || highest < seenFirst.low || lowest > seenLast.high()) continue;
    const bool isWhole = source != kStored && highest - lowest == kKeys - 1 && lowest >= seenLast.low &&
                         highest <= seenFirst.high();
    const float* const stage = memory + t % 2 * Stream::stage;
    float scores[kKeys / 8][4], gradWeights[kKeys / 8][4];
    scoreProduct<kDh, kKeys, kPrecision>(scores, queries, stage, lane);
    scoreProduct<kDh, kKeys, kPrecision>(gradWeights, cotangents, stage + Stream::tile, lane);
    const int* const tags = reinterpret_cast<const int*>(stage + 2 * Stream::tile) + lane % 4 * 2;
    const Span seen = seenBy(p, source, query), seen8 = seenBy(p, source, query8);
#pragma unroll
    for (int n = 0; n < kKeys / 8; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const float weight = ex2(fmaf(scores[n][i], factor, -(i < 2 ? level : level8)));
        const bool isSeen = isWhole || (i < 2 ? seen : seen8).has(tags[n * 8 + i % 2]);
        scores[n][i] = isSeen ? weight * (gradWeights[n][i] - (i < 2 ? outDot : outDot8)) : 0.0f;
      }
    }
    valueProduct<kDh, kKeys, kPrecision>(sums, scores, stage, 1.0f, 1.0f, lane);
  }
  storeRows<kDh>(isOwn ? gradQ + row * p.Dh : nullptr, isOwn8 ? gradQ + row8 * p.Dh : nullptr, sums, p.scale, p.scale,
                 p.Dh, lane);
}

template <int kDh, int kKeys, int kWarps, int kBlocks>
cudaError_t launchQueryGradient(const AttentionProblem& p, const Call& call, const AttentionCotangents& in) {
  const dim3 grid(static_cast<unsigned>(ceilDiv(p.L, kWarps * 16)), static_cast<unsigned>(p.H),
                  static_cast<unsigned>(p.B));
  constexpr size_t bytes = QueryGradientMemory<kDh, kKeys, kWarps>::floats * sizeof(float);
  if (call.precision == Precision::kTf32) {
    return launch(queryGradientKernel<kDh, kKeys, kWarps, kBlocks, Precision::kTf32>, grid, kWarps * kWarp, bytes,
                  call.stream, p, in, call.out(0));
  }
  return launch(queryGradientKernel<kDh, kKeys, kWarps, kBlocks, Precision::kFloat32>, grid, kWarps * kWarp, bytes,
                call.stream, p, in, call.out(0));
}

}  // namespace bmojo::cuda
