// States of chunks, and their cotangents: what each chunk adds, and the passing on from chunk to chunk.
#pragma once
#include "ssd-scan/problem.cuh"

namespace bmojo::cuda {

// to [B, S, H, P, N] = sums over a chunk's tokens of rows of `inputs` [B, L, H, P] times rows of `shared` [B, L, G, N], weighed for
// the state behind the chunk, or, backwards, for the cotangent of the one before it.
template <Precision kPrecision, bool kBackwards>
__global__ void __launch_bounds__(kProductThreads, 3)
ssdAddedKernel(SsdProblem p, const float2* __restrict__ steps, const float* __restrict__ inputs,
               const float* __restrict__ shared, float* __restrict__ to) {
  BMOJO_SHARED(memory);
  const int perHead = p.inputBlocks() * p.stateBlocks();
  const int64_t index = blockIdx.x / perHead;
  const int head = index % p.H, firstRow = blockIdx.x % perHead / p.stateBlocks() * kBlock;
  const int firstColumn = blockIdx.x % p.stateBlocks() * kBlock;
  const SsdChunk own(p, index / p.H);
  const TokenMemory tokens(memory + kProductFloats, p);
  tokens.load(steps, index);
  const BlockThread thread;
  BlockSums sums = {};
  const auto weight = [=](int line, int) {
    return kBackwards ? tokens.fromStart(line) : tokens.untilEnd(line) * tokens.stepSizes[line];
  };
  multiplyBlocks<kPrecision>(sums, across(own.inputs(p, head, inputs), firstRow, weight),
                             across(own.shared(p, head / p.headsOfGroup(), shared), firstColumn), 0, own.tokens, memory,
                             thread);
  float* const state = to + index * p.P * p.N;
  thread.forPairs(sums, [&](int row, int column, int, int, float one, float other) {
    if (firstRow + row >= p.P) return;
    storePair(state + static_cast<int64_t>(firstRow + row) * p.N, firstColumn + column, p.N, p.wideStates, one, other);
  });
}

__device__ inline float carried(float state, float decay, float added) { return fmaf(decay, state, added); }
__device__ inline float4 carried(float4 state, float decay, float4 added) {
  return make_float4(carried(state.x, decay, added.x), carried(state.y, decay, added.y),
                     carried(state.z, decay, added.z), carried(state.w, decay, added.w));
}

// In `states` [B, S, H, size], what each chunk adds becomes what stands before it (behind it, backwards); from and to, [B, H,
// size], may be null.
template <class Number, bool kBackwards>
__global__ void ssdCarryKernel(SsdProblem p, const float2* __restrict__ steps, Number* __restrict__ states,
                               const Number* __restrict__ from, Number* __restrict__ to, int size) {
  // Chunks whose numbers are on their way at once.
  constexpr int kAhead = 8;
  const int64_t index = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= static_cast<int64_t>(p.B) * p.H * size) return;
  const int head = index / size % p.H;
  const int64_t batch = index / size / p.H;
  Number state = {};
  if (from) state = from[index];
  for (int i = 0; i < p.S; i += kAhead) {
    Number added[kAhead];
    int64_t place[kAhead];
#pragma unroll
    for (int k = 0; k < kAhead; k++) {
      const int next = min(i + k, p.S - 1);
      place[k] = (batch * p.S + (kBackwards ? p.S - 1 - next : next)) * p.H + head;
      added[k] = states[place[k] * size + index % size];
    }
#pragma unroll
    for (int k = 0; k < kAhead; k++) {
      if (i + k >= p.S) break;
      states[place[k] * size + index % size] = state;
      state = carried(state, ex2(steps[place[k] * p.Q + p.Q - 1].x), added[k]);
    }
  }
  if (to) to[index] = state;
}

template <bool kBackwards>
cudaError_t ssdCarry(const SsdProblem& p, const Call& call, const float2* steps, float* states, const float* from,
                     float* to) {
  constexpr int kThreads = 256;
  const int size = p.P * p.N;
  const bool isWide = p.wideStates && isAligned16(states) && isAligned16(from) && isAligned16(to);
  const int numbers = isWide ? size / 4 : size;
  const dim3 grid(static_cast<unsigned>(ceilDiv(static_cast<int64_t>(p.B) * p.H * numbers, kThreads)));
  if (isWide) {
    return launch(ssdCarryKernel<float4, kBackwards>, grid, kThreads, 0, call.stream, p, steps,
                  reinterpret_cast<float4*>(states), reinterpret_cast<const float4*>(from),
                  reinterpret_cast<float4*>(to), numbers);
  }
  return launch(ssdCarryKernel<float, kBackwards>, grid, kThreads, 0, call.stream, p, steps, states, from, to, numbers);
}

constexpr int kThroughThreads = 128;

// through [B, S, H]: what passes through each chunk, of the state before it and the cotangent of the one behind it.
__global__ void __launch_bounds__(kThroughThreads)
ssdThroughKernel(SsdProblem p, const float2* __restrict__ steps, const float* __restrict__ states,
                 const float* __restrict__ gradStates, float* __restrict__ through) {
  __shared__ float parts[kThroughThreads / kWarp];
  const int64_t head = blockIdx.x, size = static_cast<int64_t>(p.P) * p.N;
  const float *state = states + head * size, *gradState = gradStates + head * size;
  float sum = 0.0f;
  if (p.wideStates) {
    for (int64_t i = threadIdx.x; i < size / 4; i += kThroughThreads) {
      const float4 a = reinterpret_cast<const float4*>(state)[i], b = reinterpret_cast<const float4*>(gradState)[i];
      sum += a.x * b.x + a.y * b.y + (a.z * b.z + a.w * b.w);
    }
  } else {
    for (int64_t i = threadIdx.x; i < size; i += kThroughThreads) sum = fmaf(state[i], gradState[i], sum);
  }
  sum = warpSum(sum);
  if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = sum;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int i = 1; i < kThroughThreads / kWarp; i++) sum += parts[i];
  through[head] = ex2(steps[head * p.Q + p.Q - 1].x) * sum;
}

}  // namespace bmojo::cuda
