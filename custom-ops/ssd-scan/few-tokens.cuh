// Few tokens, as in decoding: a warp walks a row of the state, its lanes beside each other along the row.
#pragma once
#include "ssd-scan/tokens.cuh"

namespace bmojo::cuda {

// Above it products of blocks pay.
constexpr int kFewTokens = 8;
constexpr int kFewThreads = 128;

// y, finalState and chunkStates, which is the state before the one chunk; a warp for each of [B, H, P].
__global__ void __launch_bounds__(kFewThreads)
ssdFewTokensKernel(SsdProblem p, float* __restrict__ y, float* __restrict__ finalState, float* __restrict__ chunkStates) {
  const int lane = threadIdx.x % kWarp;
  const int64_t row = (static_cast<int64_t>(blockIdx.x) * kFewThreads + threadIdx.x) / kWarp;
  if (row >= static_cast<int64_t>(p.B) * p.H * p.P) return;
  const int channel = row % p.P, head = row / p.P % p.H;
  const SsdChunk own(p, row / p.P / p.H);
  float decays[kFewTokens], written[kFewTokens], inputs[kFewTokens], sums[kFewTokens] = {};
#pragma unroll
  for (int t = 0; t < kFewTokens; t++) {
    if (t >= p.L) break;
    const float step = boundedStep(p, softplus(rawStep(p, own, head, t)));
    inputs[t] = p.x[own.inputAt(p, head, t) + channel];
    decays[t] = ex2(ownDecay(step, p.A[head]));
    written[t] = step * inputs[t];
  }
  for (int n = lane; n < p.N; n += kWarp) {
    float state = p.initialState ? p.initialState[row * p.N + n] : 0.0f;
    chunkStates[row * p.N + n] = state;
#pragma unroll
    for (int t = 0; t < kFewTokens; t++) {
      if (t >= p.L) break;
      const int64_t shared = own.sharedAt(p, head / p.headsOfGroup(), t) + n;
      state = fmaf(decays[t], state, written[t] * p.writes[shared]);
      sums[t] = fmaf(state, p.reads[shared], sums[t]);
    }
    finalState[row * p.N + n] = state;
  }
  const float skip = p.D ? p.D[head] : 0.0f;
#pragma unroll
  for (int t = 0; t < kFewTokens; t++) {
    if (t >= p.L) break;
    const float sum = warpSum(sums[t]);
    if (lane == 0) y[own.inputAt(p, head, t) + channel] = fmaf(skip, inputs[t], sum);
  }
}

}  // namespace bmojo::cuda
