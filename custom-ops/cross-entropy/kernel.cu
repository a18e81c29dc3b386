// Cross-entropy of integer labels from logits on CUDA. Forward reads each row once: every thread keeps a running peak and
// a running sum of exponentials below it.
#include "native/cuda/elementwise.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
// Classes from which on a whole block takes one row.
constexpr int kWide = 2048;

// Sum of exponentials relative to a peak.
struct PeakSum {
  float peak, sum;
};

__device__ inline PeakSum join(PeakSum a, PeakSum b) {
  const float peak = fmaxf(a.peak, b.peak);
  // A part without elements has the peak -inf and the sum 0.
  const float left = a.sum == 0.0f ? 0.0f : a.sum * ex2((a.peak - peak) * kLog2e);
  const float right = b.sum == 0.0f ? 0.0f : b.sum * ex2((b.peak - peak) * kLog2e);
  return {peak, left + right};
}

template <int kWidth>
__device__ inline void add(PeakSum& total, const Pack<kWidth>& pack) {
  float peak = total.peak;
#pragma unroll
  for (int k = 0; k < kWidth; k++) peak = fmaxf(peak, pack.x[k]);
  float sum = total.sum == 0.0f ? 0.0f : total.sum * ex2((total.peak - peak) * kLog2e);
#pragma unroll
  for (int k = 0; k < kWidth; k++) sum += ex2((pack.x[k] - peak) * kLog2e);
  total = {peak, sum};
}

// A warp (kWide false) or a block (kWide true) for each row.
template <int kWidth, bool kBlockRows>
__global__ void __launch_bounds__(kThreads)
forwardKernel(const float* __restrict__ logits, const int32_t* __restrict__ labels, float* __restrict__ losses,
              float* __restrict__ logSumExp, int R, int V, int ignoreIndex) {
  __shared__ PeakSum parts[kWarps];
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const int64_t row = kBlockRows ? blockIdx.x : static_cast<int64_t>(blockIdx.x) * kWarps + warp;
  const bool isOwn = row < R;
  const int first = kBlockRows ? static_cast<int>(threadIdx.x) : lane, stride = kBlockRows ? kThreads : kWarp;
  const float* const from = logits + (isOwn ? row : 0) * V;
  PeakSum total = {-INFINITY, 0.0f};
  for (int i = first; i < V / kWidth; i += stride) add<kWidth>(total, loadPack<kWidth>(from + i * kWidth));
#pragma unroll
  for (int m = 1; m < kWarp; m *= 2) {
    const PeakSum other = {__shfl_xor_sync(kAll, total.peak, m), __shfl_xor_sync(kAll, total.sum, m)};
    total = join(total, other);
  }
  if (kBlockRows) {
    if (lane == 0) parts[warp] = total;
    __syncthreads();
    total = parts[0];
    for (int w = 1; w < kWarps; w++) total = join(total, parts[w]);
  }
  if (!isOwn || first != 0) return;
  const float logTotal = logf(total.sum);
  const int label = labels[row];
  logSumExp[row] = total.peak + logTotal;
  float loss = 0.0f;
  // A label outside the classes costs NaN: wrong input is seen, and no foreign memory read.
  if (label != ignoreIndex) loss = label >= 0 && label < V ? (total.peak - from[label]) + logTotal : NAN;
  losses[row] = loss;
}

template <int kWidth>
__global__ void backwardKernel(const float* __restrict__ logits, const int32_t* __restrict__ labels,
                               const float* __restrict__ logSumExp, const float* __restrict__ gradLosses,
                               float* __restrict__ gradLogits, int64_t packs, int V, int ignoreIndex) {
  const int packsOfRow = V / kWidth;
  for (int64_t i = firstElement(); i < packs; i += elementStride()) {
    const int64_t row = i / packsOfRow;
    const int first = static_cast<int>(i % packsOfRow) * kWidth, label = labels[row];
    const float scale = gradLosses[row], level = logSumExp[row];
    Pack<kWidth> out = loadPack<kWidth>(logits + i * kWidth);
#pragma unroll
    for (int k = 0; k < kWidth; k++) {
      const float probability = softmaxWeight((out.x[k] - level) * kLog2e);
      out.x[k] = label == ignoreIndex ? 0.0f : scale * (first + k == label ? probability - 1.0f : probability);
    }
    storePack<kWidth>(gradLogits + i * kWidth, out);
  }
}

template <int kWidth>
cudaError_t forward(const Call& call, int R, int V, int ignoreIndex) {
  using P = ports::CrossEntropyForward;
  if (V >= kWide) {
    return launch(forwardKernel<kWidth, true>, dim3(static_cast<unsigned>(R)), kThreads, 0, call.stream,
                  call.in(P::logits), call.inInt(P::labels), call.out(P::losses), call.out(P::logSumExp), R, V,
                  ignoreIndex);
  }
  return launch(forwardKernel<kWidth, false>, dim3(static_cast<unsigned>(ceilDiv(R, kWarps))), kThreads, 0, call.stream,
                call.in(P::logits), call.inInt(P::labels), call.out(P::losses), call.out(P::logSumExp), R, V,
                ignoreIndex);
}

cudaError_t runForward(const Call& call) {
  using P = ports::CrossEntropyForward;
  using S = P::Scalar;
  const int R = call.integer(S::R), V = call.integer(S::V), ignoreIndex = call.integer(S::ignoreIndex);
  return V % 4 == 0 && isAligned16(call.in(P::logits)) ? forward<4>(call, R, V, ignoreIndex)
                                               : forward<1>(call, R, V, ignoreIndex);
}

cudaError_t runBackward(const Call& call) {
  using P = ports::CrossEntropyBackward;
  using S = P::Scalar;
  const int64_t R = call.integer(S::R);
  const int V = call.integer(S::V), ignoreIndex = call.integer(S::ignoreIndex);
  if (V % 4 == 0 && isAligned16(call.in(P::logits)) && isAligned16(call.out(P::gradLogits))) {
    return launch(backwardKernel<4>, elementGrid(R * V / 4), kElementThreads, 0, call.stream, call.in(P::logits),
                  call.inInt(P::labels), call.in(P::logSumExp), call.in(P::gradLosses), call.out(P::gradLogits),
                  R * V / 4, V, ignoreIndex);
  }
  return launch(backwardKernel<1>, elementGrid(R * V), kElementThreads, 0, call.stream, call.in(P::logits),
                call.inInt(P::labels), call.in(P::logSumExp), call.in(P::gradLosses), call.out(P::gradLogits), R * V, V,
      ignoreIndex);
}

}  // namespace

const Kernel crossEntropyForward = {runForward};
const Kernel crossEntropyBackward = {runBackward};

}  // namespace bmojo::cuda
