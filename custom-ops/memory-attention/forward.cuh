// One streaming softmax for each query and head: a warp owns 16 queries, and scores never leave registers.
#pragma once
#include "memory-attention/key-stream.cuh"

namespace bmojo::cuda {

template <int kDh, int kKeys, int kWarps>
struct AttentionForwardMemory {
  using Stream = KeyStream<kDh, kKeys, kWarps * kWarp>;
  static constexpr int fragments = 2 * Stream::stage;
  static constexpr int floats = fragments + kWarps * 16 * kDh;
};

template <int kDh, int kKeys, int kWarps, int kBlocks, Precision kPrecision>
__global__ void __launch_bounds__(kWarps * kWarp, kBlocks)
attentionForwardKernel(AttentionProblem p, float* __restrict__ out, float* __restrict__ logSumExp) {
  using Memory = AttentionForwardMemory<kDh, kKeys, kWarps>;
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
  float* const fragments = memory + Memory::fragments + warp * 16 * kDh;
  storeFragments<kDh>(fragments, isOwn ? p.q + row * p.Dh : nullptr, isOwn8 ? p.q + row8 * p.Dh : nullptr, p.Dh, lane);

  const float factor = p.scale * kLog2e;
  float sums[kDh / 8][4] = {};
  // Peaks in powers of two.
  float peak = -1e30f, peak8 = -1e30f, total = 0.0f, total8 = 0.0f;

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
    float scores[kKeys / 8][4];
    scoreProduct<kDh, kKeys, kPrecision>(scores, fragments, stage, lane);
    if (!isWhole) {
      const int* const tags = reinterpret_cast<const int*>(stage + 2 * Stream::tile) + lane % 4 * 2;
      const Span seen = seenBy(p, source, query), seen8 = seenBy(p, source, query8);
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
    valueProduct<kDh, kKeys, kPrecision>(sums, scores, stage + Stream::tile, fade, fade8, lane);
  }
#pragma unroll
  for (int m = 1; m < 4; m *= 2) {
    total += __shfl_xor_sync(kAll, total, m);
    total8 += __shfl_xor_sync(kAll, total8, m);
  }
  storeRows<kDh>(isOwn ? out + row * p.Dh : nullptr, isOwn8 ? out + row8 * p.Dh : nullptr, sums, 1.0f / total,
                 1.0f / total8, p.Dh, lane);
  if (lane % 4 != 0) return;
  if (isOwn) logSumExp[row] = peak * kLn2 + logf(total);
  if (isOwn8) logSumExp[row8] = peak8 * kLn2 + logf(total8);
}

template <int kDh, int kKeys, int kWarps, int kBlocks>
cudaError_t launchAttentionForward(const AttentionProblem& p, const Call& call) {
  const dim3 grid(static_cast<unsigned>(ceilDiv(p.L, kWarps * 16)), static_cast<unsigned>(p.H),
                  static_cast<unsigned>(p.B));
  constexpr size_t bytes = AttentionForwardMemory<kDh, kKeys, kWarps>::floats * sizeof(float);
  if (call.precision == Precision::kTf32) {
    return launch(attentionForwardKernel<kDh, kKeys, kWarps, kBlocks, Precision::kTf32>, grid, kWarps * kWarp, bytes,
                  call.stream, p, call.out(0), call.out(1));
  }
  return launch(attentionForwardKernel<kDh, kKeys, kWarps, kBlocks, Precision::kFloat32>, grid, kWarps * kWarp, bytes,
                call.stream, p, call.out(0), call.out(1));
}

}  // namespace bmojo::cuda
