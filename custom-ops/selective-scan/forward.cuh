// One pass over time: every input is read once, every output written once, and the states never leave registers. kBatch
// tokens at a time (a tile or half of one) go through softplus and gate, then the recurrence, then the sums over states.
#pragma once
#include "selective-scan/scan.cuh"

namespace bmojo::cuda {

template <class Shape, int kStages, int kBatch>
struct ScanForwardMemory {
  static constexpr int channelTile = kTile * Shape::row;
  static constexpr int stateTile = kTile * Shape::width;
  static constexpr int stage = 3 * channelTile + 2 * stateTile;
  // For each token of a batch and channel: step size and step size * u.
  static constexpr int pairs = kStages * stage;
  static constexpr int pairRow = 2 * Shape::channels + 16;
  static constexpr int floats = pairs + kBatch * pairRow;
};

template <int kLanes, int kThreads, int kStages, int kBlocks, int kBatch>
__global__ void __launch_bounds__(kThreads, kBlocks)
scanForwardKernel(ScanProblem p, float* __restrict__ y, float* __restrict__ finalState,
                  float* __restrict__ chunkStates) {
  using Shape = ScanShape<kLanes, kThreads>;
  using Memory = ScanForwardMemory<Shape, kStages, kBatch>;
  constexpr int owned = Shape::owned(kBatch);
  BMOJO_SHARED(memory);
  const int part = threadIdx.x % kLanes, channel = threadIdx.x / kLanes;
  const int firstChannel = blockIdx.x * Shape::channels, e = firstChannel + channel, b = blockIdx.y;
  const bool isOwn = e < p.E;
  const int firstState = part * kStates;
  const int tiles = (p.L + kTile - 1) / kTile, chunks = (p.L + p.chunk - 1) / p.chunk;

  float rate[kStates], state[kStates];
#pragma unroll
  for (int k = 0; k < kStates; k++) {
    const bool has = isOwn && firstState + k < p.N;
    rate[k] = has ? p.A[static_cast<int64_t>(e) * p.N + firstState + k] * kLog2e : 0.0f;
    state[k] = has && p.initialState ? p.initialState[(static_cast<int64_t>(b) * p.E + e) * p.N + firstState + k] : 0.0f;
  }
  const float bias = isOwn && p.deltaBias ? p.deltaBias[e] : 0.0f;
  const float skip = isOwn && p.D ? p.D[e] : 0.0f;

  const auto load = [&](int tile) {
    if (tile < tiles) {
      float* stage = memory + tile % kStages * Memory::stage;
      copyChannels<Shape>(stage, p.u, p, b, tile * kTile, firstChannel);
      copyChannels<Shape>(stage + Memory::channelTile, p.delta, p, b, tile * kTile, firstChannel);
      copyChannels<Shape>(stage + 2 * Memory::channelTile, p.z, p, b, tile * kTile, firstChannel);
      copyStates<Shape, 1>(stage + 3 * Memory::channelTile, p.writes, p, b, tile * kTile);
      copyStates<Shape, 1>(stage + 3 * Memory::channelTile + Memory::stateTile, p.reads, p, b, tile * kTile);
    }
    copyCommit();
  };
  const auto storeStates = [&](float* to, int64_t row) {
    if (!isOwn) return;
    float* at = to + row * p.N + firstState;
    if (p.alignedStates) {
      if (firstState < p.N) *reinterpret_cast<float4*>(at) = make_float4(state[0], state[1], state[2], state[3]);
      return;
    }
#pragma unroll
    for (int k = 0; k < kStates; k++) {
      if (firstState + k < p.N) at[k] = state[k];
    }
  };

  for (int tile = 0; tile < kStages - 1; tile++) load(tile);
  float* pairs = memory + Memory::pairs;
  for (int tile = 0; tile < tiles; tile++) {
    copyWait<kStages - 2>();
    __syncthreads();
    load(tile + kStages - 1);
    const float* stage = memory + tile % kStages * Memory::stage;
    const float* writes = stage + 3 * Memory::channelTile + firstState;
    const float* reads = writes + Memory::stateTile;
    const int begin = tile * kTile;
    if (begin % p.chunk == 0) {
      storeStates(chunkStates, (static_cast<int64_t>(b) * chunks + begin / p.chunk) * p.E + e);
    }
#pragma unroll
    for (int first = 0; first < kTile; first += kBatch) {
      float gate[owned], passed[owned];
      __syncwarp();
#pragma unroll
      for (int i = 0; i < owned; i++) {
        const int t = i * kLanes + part;
        if (kLanes > kBatch && t >= kBatch) break;
        const float* at = stage + (first + t) * Shape::row + channel;
        const float input = at[0];
        // Tokens beyond the last leave the state as it is.
        const float step = begin + first + t < p.L ? stepOf(at[Memory::channelTile] + bias, p.softplus) : 0.0f;
        *reinterpret_cast<float2*>(pairs + t * Memory::pairRow + 2 * channel) = make_float2(step, step * input);
        passed[i] = skip * input;
        gate[i] = 1.0f;
        if (p.z) {
          const float z = at[2 * Memory::channelTile];
          gate[i] = z * sigmoid(z);
        }
      }
      __syncwarp();
      float sums[kBatch];
#pragma unroll
      for (int t = 0; t < kBatch; t++) {
        const float2 pair = *reinterpret_cast<const float2*>(pairs + t * Memory::pairRow + 2 * channel);
        const float4 w = *reinterpret_cast<const float4*>(writes + (first + t) * Shape::width);
        const float4 r = *reinterpret_cast<const float4*>(reads + (first + t) * Shape::width);
        state[0] = fmaf(ex2(pair.x * rate[0]), state[0], pair.y * w.x);
        state[1] = fmaf(ex2(pair.x * rate[1]), state[1], pair.y * w.y);
        state[2] = fmaf(ex2(pair.x * rate[2]), state[2], pair.y * w.z);
        state[3] = fmaf(ex2(pair.x * rate[3]), state[3], pair.y * w.w);
        sums[t] = fmaf(state[0], r.x, fmaf(state[1], r.y, fmaf(state[2], r.z, state[3] * r.w)));
      }
      if constexpr (kLanes > kBatch) {
#pragma unroll
        for (int t = 0; t < kBatch; t++) {
#pragma unroll
          for (int m = kBatch; m < kLanes; m *= 2) sums[t] += __shfl_xor_sync(kAll, sums[t], m);
        }
      }
      constexpr int group = kLanes < kBatch ? kLanes : kBatch;
#pragma unroll
      for (int i = 0; i < owned; i++) {
        const float sum = transposedSum<group>(sums + i * group, part);
        const int t = begin + first + i * kLanes + part;
        if (isOwn && part < kBatch && t < p.L) {
          y[(static_cast<int64_t>(b) * p.L + t) * p.E + e] = (sum + passed[i]) * gate[i];
        }
      }
    }
  }
  storeStates(finalState, static_cast<int64_t>(b) * p.E + e);
}

template <int kLanes, int kThreads, int kStages, int kBlocks, int kBatch>
cudaError_t launchScanForward(const ScanProblem& p, const Call& call) {
  using Shape = ScanShape<kLanes, kThreads>;
  const dim3 grid(static_cast<unsigned>(ceilDiv(p.E, Shape::channels)), static_cast<unsigned>(p.B));
  return launch(scanForwardKernel<kLanes, kThreads, kStages, kBlocks, kBatch>, grid, kThreads,
                ScanForwardMemory<Shape, kStages, kBatch>::floats * sizeof(float), call.stream, p, call.out(0), call.out(1),
                call.out(2));
}

}  // namespace bmojo::cuda
