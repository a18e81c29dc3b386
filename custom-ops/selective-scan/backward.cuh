// Chunks of one tile from the last to the first. For each: forward over its first half from the saved state to the state
// between the halves; then the halves backwards, each first forward with states and decays in registers, so that a tile
// takes one and a half times the forward's exponentials.
//
// gradB and gradC are sums over channels: each warp adds up its channels with shuffles, each block its warps, and a
// second kernel the blocks. So that a lane always keeps its even registers and sends its odd ones, register k of channel
// c holds state k ^ (c mod 4).
#pragma once
#include "selective-scan/scan.cuh"

namespace bmojo::cuda {

struct ScanCotangents {
  const float *chunkStates, *gradY, *gradFinalState;
};

struct ScanGradients {
  float *u, *delta, *z, *initialState;
  // Partial sums: rates [B, E, N], states [blocks of channels, B, L, 2, width], skip and bias [B, E].
  float *A, *states, *D, *deltaBias;
};

template <class Shape, int kLanes, int kStages>
struct ScanBackwardMemory {
  static constexpr int versions = kLanes <= 8 ? 4 : kLanes == 16 ? 2 : 1;
  static constexpr int warps = Shape::threads / kWarp;
  static constexpr int channelTile = kTile * Shape::row;
  static constexpr int stateTile = kTile * versions * Shape::width;
  static constexpr int stage = 4 * channelTile + 2 * stateTile;
  // For each token of a tile and channel: step size, step size * u, d loss / d (y before the gate), slope of softplus.
  static constexpr int tokens = kStages * stage;
  static constexpr int tokenRow = 4 * Shape::channels;
  // The warps' sums for gradB and gradC of a half tile, one block of memory for either half: while one is filled, the
  // other is added up.
  static constexpr int sums = tokens + kTile * tokenRow;
  static constexpr int halfSums = warps * kHalf * 2 * Shape::width;
  static constexpr int floats = sums + 2 * halfSums;
};

// Registers k of this lane's gradB and gradC, summed over the channels of the warp as far as lanes allow.
template <int kLanes>
__device__ inline void sumChannels(float (&gradB)[kStates], float (&gradC)[kStates], int lane) {
  if constexpr (kLanes <= 16) {
    gradB[0] += __shfl_xor_sync(kAll, gradB[1], kLanes);
    gradB[2] += __shfl_xor_sync(kAll, gradB[3], kLanes);
    gradC[0] += __shfl_xor_sync(kAll, gradC[1], kLanes);
    gradC[2] += __shfl_xor_sync(kAll, gradC[3], kLanes);
  }
  if constexpr (kLanes <= 8) {
    gradB[0] += __shfl_xor_sync(kAll, gradB[2], 2 * kLanes);
    gradC[0] += __shfl_xor_sync(kAll, gradC[2], 2 * kLanes);
  }
  if constexpr (kLanes <= 4) {
    const bool upper = (lane & (4 * kLanes)) != 0;
    const float keep = upper ? gradC[0] : gradB[0];
    const float send = upper ? gradB[0] : gradC[0];
    gradB[0] = keep + __shfl_xor_sync(kAll, send, 4 * kLanes);
  }
}

template <int kLanes, int kThreads, int kStages, int kBlocks>
__global__ void __launch_bounds__(kThreads, kBlocks)
scanBackwardKernel(ScanProblem p, ScanCotangents in, ScanGradients grads) {
  using Shape = ScanShape<kLanes, kThreads>;
  using Memory = ScanBackwardMemory<Shape, kLanes, kStages>;
  constexpr int versions = Memory::versions, width = Shape::width;
  constexpr int owned = Shape::owned(kTile), ownedOfHalf = Shape::owned(kHalf);
  BMOJO_SHARED(memory);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const int part = threadIdx.x % kLanes, channel = threadIdx.x / kLanes;
  const int version = channel % versions;
  const int firstChannel = blockIdx.x * Shape::channels, e = firstChannel + channel, b = blockIdx.y;
  const bool isOwn = e < p.E;
  const int firstState = part * kStates;
  const int chunks = (p.L + p.chunk - 1) / p.chunk;
  const int64_t ownRow = (static_cast<int64_t>(b) * p.E + e) * p.N + firstState;

  const auto loadStates = [&](float (&to)[kStates], const float* from, int64_t row) {
#pragma unroll
    for (int k = 0; k < kStates; k++) {
      const int n = k ^ version;
      to[k] = from && isOwn && firstState + n < p.N ? from[row + n] : 0.0f;
    }
  };
  const auto storeStates = [&](float* to, const float (&from)[kStates]) {
#pragma unroll
    for (int k = 0; k < kStates; k++) {
      const int n = k ^ version;
      if (to && isOwn && firstState + n < p.N) to[ownRow + n] = from[k];
    }
  };

  float rate[kStates], gradState[kStates], gradRate[kStates] = {};
  loadStates(rate, p.A, static_cast<int64_t>(e) * p.N + firstState);
#pragma unroll
  for (int k = 0; k < kStates; k++) rate[k] *= kLog2e;
  loadStates(gradState, in.gradFinalState, ownRow);
  const float bias = isOwn && p.deltaBias ? p.deltaBias[e] : 0.0f;
  const float skip = isOwn && p.D ? p.D[e] : 0.0f;
  float gradSkip = 0.0f, gradBias = 0.0f;

  // Visit v works on tile chunks - 1 - v.
  const auto load = [&](int visit) {
    if (visit < chunks) {
      float* stage = memory + visit % kStages * Memory::stage;
      const int token = (chunks - 1 - visit) * kTile;
      copyChannels<Shape>(stage, p.u, p, b, token, firstChannel);
      copyChannels<Shape>(stage + Memory::channelTile, p.delta, p, b, token, firstChannel);
      copyChannels<Shape>(stage + 2 * Memory::channelTile, p.z, p, b, token, firstChannel);
      copyChannels<Shape>(stage + 3 * Memory::channelTile, in.gradY, p, b, token, firstChannel);
      copyStates<Shape, versions>(stage + 4 * Memory::channelTile, p.writes, p, b, token);
      copyStates<Shape, versions>(stage + 4 * Memory::channelTile + Memory::stateTile, p.reads, p, b, token);
    }
    copyCommit();
  };
  const auto loadChunkState = [&](float (&to)[kStates], int chunk) {
    const int64_t row = (static_cast<int64_t>(b) * chunks + max(chunk, 0)) * p.E + e;
    loadStates(to, in.chunkStates, row * p.N + firstState);
  };

  float* const tokens = memory + Memory::tokens + 4 * channel;
  // Adds up the warps' sums of the half tile that begins at `token`.
  const auto storeSums = [&](int half, int token) {
    const float* const sums = memory + Memory::sums + half / kHalf * Memory::halfSums;
    const int64_t block = static_cast<int64_t>(blockIdx.x) * p.B + b;
    for (int i = threadIdx.x; i < kHalf * 2 * width; i += kThreads) {
      if (token + i / (2 * width) >= p.L) break;
      float sum = sums[i];
#pragma unroll
      for (int w = 1; w < Memory::warps; w++) sum += sums[w * kHalf * 2 * width + i];
      grads.states[(block * p.L + token) * 2 * width + i] = sum;
    }
  };

  float start[kStates];
  loadChunkState(start, chunks - 1);
  for (int visit = 0; visit < kStages - 1; visit++) load(visit);
  for (int visit = 0; visit < chunks; visit++) {
    copyWait<kStages - 2>();
    __syncthreads();
    load(visit + kStages - 1);
    float* const stage = memory + visit % kStages * Memory::stage;
    const float* const writes = stage + 4 * Memory::channelTile + version * width + firstState;
    const float* const reads = writes + Memory::stateTile;
    const int begin = (chunks - 1 - visit) * kTile;
    if (visit > 0) storeSums(0, begin + kTile);

    float middle[kStates];
#pragma unroll
    for (int k = 0; k < kStates; k++) middle[k] = start[k];
#pragma unroll
    for (int i = 0; i < owned; i++) {
      const int t = i * kLanes + part;
      if (kLanes > kTile && t >= kTile) break;
      float* const at = stage + t * Shape::row + channel;
      const bool valid = begin + t < p.L;
      const float raw = at[Memory::channelTile] + bias;
      const float step = valid ? stepOf(raw, p.softplus) : 0.0f;
      float gradSum = at[3 * Memory::channelTile];
      if (p.z) {
        const float z = at[2 * Memory::channelTile], gate = sigmoid(z);
        // In the place of z: what its gradient multiplies y before the gate by.
        at[2 * Memory::channelTile] = gradSum * gate * (1.0f + z * (1.0f - gate));
        gradSum *= z * gate;
      }
      *reinterpret_cast<float4*>(tokens + t * Memory::tokenRow) =
          make_float4(step, step * at[0], gradSum, p.softplus ? sigmoid(raw) : 1.0f);
    }
    __syncwarp();
#pragma unroll
    for (int t = 0; t < kHalf; t++) {
      const float2 pair = *reinterpret_cast<const float2*>(tokens + t * Memory::tokenRow);
      const float4 w = *reinterpret_cast<const float4*>(writes + t * versions * width);
      middle[0] = fmaf(ex2(pair.x * rate[0]), middle[0], pair.y * w.x);
      middle[1] = fmaf(ex2(pair.x * rate[1]), middle[1], pair.y * w.y);
      middle[2] = fmaf(ex2(pair.x * rate[2]), middle[2], pair.y * w.z);
      middle[3] = fmaf(ex2(pair.x * rate[3]), middle[3], pair.y * w.w);
    }

#pragma unroll 1
    for (int half = kTile - kHalf; half >= 0; half -= kHalf) {
      float before[kHalf + 1][kStates], decay[kHalf][kStates];
#pragma unroll
      for (int k = 0; k < kStates; k++) before[0][k] = half == 0 ? start[k] : middle[k];
      if (half == 0) {
        __syncthreads();
        storeSums(kHalf, begin + kHalf);
        loadChunkState(start, chunks - 2 - visit);
      }
      float* const sums = memory + Memory::sums + half / kHalf * Memory::halfSums;
#pragma unroll
      for (int t = 0; t < kHalf; t++) {
        const float2 pair = *reinterpret_cast<const float2*>(tokens + (half + t) * Memory::tokenRow);
        const float4 w = *reinterpret_cast<const float4*>(writes + (half + t) * versions * width);
        const float written[kStates] = {w.x, w.y, w.z, w.w};
#pragma unroll
        for (int k = 0; k < kStates; k++) {
          decay[t][k] = ex2(pair.x * rate[k]);
          before[t + 1][k] = fmaf(decay[t][k], before[t][k], pair.y * written[k]);
        }
      }
      float gradSteps[kHalf], gradInputs[kHalf], outputs[kHalf];
#pragma unroll
      for (int t = kHalf - 1; t >= 0; t--) {
        const float4 token = *reinterpret_cast<const float4*>(tokens + (half + t) * Memory::tokenRow);
        const float4 w = *reinterpret_cast<const float4*>(writes + (half + t) * versions * width);
        const float4 r = *reinterpret_cast<const float4*>(reads + (half + t) * versions * width);
        const float written[kStates] = {w.x, w.y, w.z, w.w}, read[kStates] = {r.x, r.y, r.z, r.w};
        float gradB[kStates], gradC[kStates];
        gradSteps[t] = gradInputs[t] = outputs[t] = 0.0f;
#pragma unroll
        for (int k = 0; k < kStates; k++) {
          const float g = fmaf(token.z, read[k], gradState[k]);
          gradC[k] = token.z * before[t + 1][k];
          outputs[t] = fmaf(before[t + 1][k], read[k], outputs[t]);
          gradState[k] = g * decay[t][k];
          const float gradDecay = gradState[k] * before[t][k];
          gradSteps[t] = fmaf(gradDecay, rate[k], gradSteps[t]);
          gradRate[k] = fmaf(gradDecay, token.x, gradRate[k]);
          gradB[k] = g * token.y;
          gradInputs[t] = fmaf(g, written[k], gradInputs[t]);
        }
        sumChannels<kLanes>(gradB, gradC, lane);
        float* const row = sums + (warp * kHalf + t) * 2 * width;
        if constexpr (kLanes == 4) {
          row[(lane / 16) * width + firstState + version] = gradB[0];
        } else if constexpr (kLanes == 8) {
          row[firstState + version] = gradB[0];
          row[width + firstState + version] = gradC[0];
        } else if constexpr (kLanes == 16) {
          row[firstState + version] = gradB[0];
          row[firstState + (2 ^ version)] = gradB[2];
          row[width + firstState + version] = gradC[0];
          row[width + firstState + (2 ^ version)] = gradC[2];
        } else {
#pragma unroll
          for (int k = 0; k < kStates; k++) {
            row[firstState + k] = gradB[k];
            row[width + firstState + k] = gradC[k];
          }
        }
      }
      constexpr int group = kLanes < kHalf ? kLanes : kHalf;
#pragma unroll
      for (int m = kHalf; m < kLanes; m *= 2) {
#pragma unroll
        for (int t = 0; t < kHalf; t++) {
          gradSteps[t] += __shfl_xor_sync(kAll, gradSteps[t], m);
          gradInputs[t] += __shfl_xor_sync(kAll, gradInputs[t], m);
          outputs[t] += __shfl_xor_sync(kAll, outputs[t], m);
        }
      }
#pragma unroll
      for (int i = 0; i < ownedOfHalf; i++) {
        const float rateSum = transposedSum<group>(gradSteps + i * group, part);
        const float gradInput = transposedSum<group>(gradInputs + i * group, part);
        const float output = p.z ? transposedSum<group>(outputs + i * group, part) : 0.0f;
        const int t = i * kLanes + part;
        if (!isOwn || part >= kHalf || begin + half + t >= p.L) continue;
        const float input = stage[(half + t) * Shape::row + channel];
        const float4 token = *reinterpret_cast<const float4*>(tokens + (half + t) * Memory::tokenRow);
        const float gradStep = fmaf(rateSum, kLn2, gradInput * input) * token.w;
        const int64_t at = (static_cast<int64_t>(b) * p.L + begin + half + t) * p.E + e;
        grads.delta[at] = gradStep;
        grads.u[at] = fmaf(token.z, skip, gradInput * token.x);
        if (grads.z) {
          grads.z[at] = stage[2 * Memory::channelTile + (half + t) * Shape::row + channel] * fmaf(skip, input, output);
        }
        gradBias += gradStep;
        gradSkip = fmaf(token.z, input, gradSkip);
      }
    }
  }
  __syncthreads();
  storeSums(0, 0);
  storeStates(grads.initialState, gradState);
  storeStates(grads.A, gradRate);
#pragma unroll
  for (int m = 1; m < kLanes; m *= 2) {
    gradSkip += __shfl_xor_sync(kAll, gradSkip, m);
    gradBias += __shfl_xor_sync(kAll, gradBias, m);
  }
  if (!isOwn || part != 0) return;
  if (grads.D) grads.D[b * p.E + e] = gradSkip;
  if (grads.deltaBias) grads.deltaBias[b * p.E + e] = gradBias;
}

// gradB and gradC [B, L, N] from the blocks' sums [blocks, B, L, 2, width].
__global__ void scanStateGradientsKernel(const float* __restrict__ sums, float* __restrict__ gradB,
                                         float* __restrict__ gradC, int64_t rows, int blocks, int width, int N) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= rows * 2 * width) return;
  const int64_t row = i / (2 * width);
  const int column = static_cast<int>(i % (2 * width)), n = column % width;
  if (n >= N) return;
  float sum = 0.0f;
  for (int block = 0; block < blocks; block++) sum += sums[block * rows * 2 * width + i];
  (column < width ? gradB : gradC)[row * N + n] = sum;
}

template <int kLanes, int kThreads, int kStages, int kBlocks>
cudaError_t launchScanBackward(const ScanProblem& p, const Call& call, const ScanCotangents& in,
                               const ScanGradients& grads) {
  using Shape = ScanShape<kLanes, kThreads>;
  const int blocks = static_cast<int>(ceilDiv(p.E, Shape::channels));
  BMOJO_RETURN_IF(launch(scanBackwardKernel<kLanes, kThreads, kStages, kBlocks>,
                         dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(p.B)), kThreads,
                         ScanBackwardMemory<Shape, kLanes, kStages>::floats * sizeof(float), call.stream, p, in, grads));
  const int64_t rows = static_cast<int64_t>(p.B) * p.L;
  return launch(scanStateGradientsKernel, dim3(static_cast<unsigned>(ceilDiv(rows * 2 * Shape::width, 256))), 256, 0,
                call.stream, static_cast<const float*>(grads.states), call.out(3), call.out(4), rows, blocks,
                Shape::width, p.N);
}

}  // namespace bmojo::cuda
