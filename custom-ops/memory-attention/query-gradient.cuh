// gradQ: the forward pass's tiles again, weights from the saved logarithms of the normalisers.
#pragma once
#include "memory-attention/query-warp.cuh"

namespace bmojo::cuda {

struct AttentionCotangents {
  const float *out, *logSumExp, *gradOut, *gradLogSumExp;
  // Products of output and cotangent [B, L, H], less the cotangents of logSumExp: taken from each weight's gradient.
  float* outDots;
};

// Backwards weights carry a factor, taken out of the sums: small ones too then have all digits of float16.
template <Precision kPrecision>
constexpr float kWeightScale = kPrecision == Precision::kFloat16 ? 256.0f : 1.0f;

// A warp for each query and head; gradLogSumExp may be null. Cotangents as products have them: what all weights of a query have in
// common must cancel.
template <Precision kPrecision>
__global__ void outDotsKernel(const float* __restrict__ out, const float* __restrict__ gradOut,
                              const float* __restrict__ gradLogSumExp, float* __restrict__ outDots, int64_t rows,
                              int Dh) {
  const int64_t row = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const int lane = threadIdx.x % kWarp;
  if (row >= rows) return;
  float sum = 0.0f;
  for (int d = lane; d < Dh; d += kWarp) sum = fmaf(out[row * Dh + d], roundHalf<kPrecision>(gradOut[row * Dh + d]), sum);
  sum = warpSum(sum);
  if (lane == 0) outDots[row] = gradLogSumExp ? sum - gradLogSumExp[row] : sum;
}

template <int kDh, int kKeys, int kWarps, int kBlocks, Precision kPrecision>
__global__ void __launch_bounds__(kWarps * kWarp, kBlocks)
queryGradientKernel(AttentionProblem p, AttentionCotangents in, float* __restrict__ gradQ) {
  using Warp = QueryWarp<kDh, kKeys, kWarps, kPrecision>;
  BMOJO_SHARED(memory);
  const Warp own(p, memory);
  const int lane = own.lane;
  const float* const queries = own.fragments(p.q, 0);
  const float* const cotangents = own.fragments(in.gradOut, 1);
  const float level = own.isOwn ? in.logSumExp[own.row] * kLog2e : 0.0f;
  const float level8 = own.isOwn8 ? in.logSumExp[own.row8] * kLog2e : 0.0f;
  const float outDot = own.isOwn ? in.outDots[own.row] : 0.0f, outDot8 = own.isOwn8 ? in.outDots[own.row8] : 0.0f;
  const float factor = p.scale * kLog2e;
  float sums[kDh / 8][4] = {};

  own.forTiles([&](const float* stage, Source source, bool isWhole) {
    float scores[kKeys / 8][4], gradWeights[kKeys / 8][4];
    scoreProduct<kDh, kKeys, kPrecision>(scores, queries, stage, lane);
    scoreProduct<kDh, kKeys, kPrecision>(gradWeights, cotangents, stage + Warp::Stream::tile, lane);
    const int* const tags = own.tagsIn(stage);
    const Span seen = seenBy(p, source, own.query), seen8 = seenBy(p, source, own.query8);
#pragma unroll
    for (int n = 0; n < kKeys / 8; n++) {
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const float weight = softmaxWeight(fmaf(scores[n][i], factor, -(i < 2 ? level : level8)));
        const bool isSeen = isWhole || (i < 2 ? seen : seen8).has(tags[n * 8 + i % 2]);
        const float scaled = weight * kWeightScale<kPrecision>;
        scores[n][i] = isSeen ? scaled * (gradWeights[n][i] - (i < 2 ? outDot : outDot8)) : 0.0f;
      }
    }
    valueProduct<kDh, kKeys, kPrecision>(sums, scores, stage, 1.0f, 1.0f, lane);
  });
  const float scale = p.scale / kWeightScale<kPrecision>;
  storeRows<kDh>(own.rowOf(gradQ), own.row8Of(gradQ), sums, scale, scale, p.Dh, lane);
}

template <int kDh, int kKeys, int kWarps, int kBlocks>
cudaError_t launchQueryGradient(const AttentionProblem& p, const Call& call, const AttentionCotangents& in) {
  using P = ports::MemoryAttentionBackward;
  const dim3 grid = queryGrid<kWarps>(p);
  return inPrecision(call.precision, [&](auto precision) {
    constexpr Precision kPrecision = decltype(precision)::value;
    return launch(queryGradientKernel<kDh, kKeys, kWarps, kBlocks, kPrecision>, grid, kWarps * kWarp,
                  QueryMemory<kDh, kKeys, kWarps, 2, kPrecision>::bytes, call.stream, p, in, call.out(P::gradQ));
  });
}

}  // namespace bmojo::cuda
