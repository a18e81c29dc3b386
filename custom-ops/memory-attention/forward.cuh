// One streaming softmax for each query and head: a warp owns 16 queries, and scores never leave registers.
#pragma once
#include "memory-attention/query-warp.cuh"

namespace bmojo::cuda {

template <int kDh, int kKeys, int kWarps, int kBlocks, Precision kPrecision>
__global__ void __launch_bounds__(kWarps * kWarp, kBlocks)
attentionForwardKernel(AttentionProblem p, float* __restrict__ out, float* __restrict__ logSumExp) {
  using Warp = QueryWarp<kDh, kKeys, kWarps, kPrecision>;
  BMOJO_SHARED(memory);
  const Warp own(p, memory);
  const int lane = own.lane;
  const float* const queries = own.fragments(p.q, 0);

  const float factor = p.scale * kLog2e;
  float sums[kDh / 8][4] = {};
  // Peaks in powers of two.
  float peak = -1e30f, peak8 = -1e30f, total = 0.0f, total8 = 0.0f;

  own.forTiles([&](const float* stage, Source source, bool isWhole) {
    float scores[kKeys / 8][4];
    scoreProduct<kDh, kKeys, kPrecision>(scores, queries, stage, lane);
    if (!isWhole) {
      const int* const tags = own.tagsIn(stage);
      const Span seen = seenBy(p, source, own.query), seen8 = seenBy(p, source, own.query8);
#pragma unroll
      for (int n = 0; n < kKeys / 8; n++) {
        const int tag = tags[n * 8], tag1 = tags[n * 8 + 1];
        if (!seen.has(tag)) scores[n][0] = -INFINITY;
        if (!seen.has(tag1)) scores[n][1] = -INFINITY;
        if (!seen8.has(tag)) scores[n][2] = -INFINITY;
        if (!seen8.has(tag1)) scores[n][3] = -INFINITY;
      }
    }
    float newPeak = -INFINITY, newPeak8 = -INFINITY;
#pragma unroll
    for (int n = 0; n < kKeys / 8; n++) {
      newPeak = fmaxf(newPeak, fmaxf(scores[n][0], scores[n][1]));
      newPeak8 = fmaxf(newPeak8, fmaxf(scores[n][2], scores[n][3]));
    }
#pragma unroll
    for (int m = 1; m < 4; m *= 2) {
      newPeak = fmaxf(newPeak, __shfl_xor_sync(kAll, newPeak, m));
      newPeak8 = fmaxf(newPeak8, __shfl_xor_sync(kAll, newPeak8, m));
    }
    newPeak = fmaxf(peak, newPeak * factor);
    newPeak8 = fmaxf(peak8, newPeak8 * factor);
    const float fade = ex2(peak - newPeak), fade8 = ex2(peak8 - newPeak8);
    peak = newPeak, peak8 = newPeak8;
    float added = 0.0f, added8 = 0.0f;
#pragma unroll
    for (int n = 0; n < kKeys / 8; n++) {
      scores[n][0] = ex2(fmaf(scores[n][0], factor, -peak));
      scores[n][1] = ex2(fmaf(scores[n][1], factor, -peak));
      scores[n][2] = ex2(fmaf(scores[n][2], factor, -peak8));
      scores[n][3] = ex2(fmaf(scores[n][3], factor, -peak8));
      added += scores[n][0] + scores[n][1];
      added8 += scores[n][2] + scores[n][3];
    }
    total = fmaf(total, fade, added);
    total8 = fmaf(total8, fade8, added8);
    valueProduct<kDh, kKeys, kPrecision>(sums, scores, stage + Warp::Stream::tile, fade, fade8, lane);
  });
#pragma unroll
  for (int m = 1; m < 4; m *= 2) {
    total += __shfl_xor_sync(kAll, total, m);
    total8 += __shfl_xor_sync(kAll, total8, m);
  }
  storeRows<kDh>(own.rowOf(out), own.row8Of(out), sums, 1.0f / total, 1.0f / total8, p.Dh, lane);
  if (lane % 4 != 0) return;
  if (own.isOwn) logSumExp[own.row] = peak * kLn2 + logf(total);
  if (own.isOwn8) logSumExp[own.row8] = peak8 * kLn2 + logf(total8);
}

template <int kDh, int kKeys, int kWarps, int kBlocks>
cudaError_t launchAttentionForward(const AttentionProblem& p, const Call& call) {
  using P = ports::MemoryAttentionForward;
  const dim3 grid = queryGrid<kWarps>(p);
  return inPrecision(call.precision, [&](auto precision) {
    constexpr Precision kPrecision = decltype(precision)::value;
    return launch(attentionForwardKernel<kDh, kKeys, kWarps, kBlocks, kPrecision>, grid, kWarps * kWarp,
                  QueryMemory<kDh, kKeys, kWarps, 1, kPrecision>::bytes, call.stream, p, call.out(P::out),
                  call.out(P::logSumExp));
  });
}

}  // namespace bmojo::cuda
