// What the backward pass stores: sums over channels for gradB and gradC, and the gradients of the tokens that a lane owns.
//
// gradB and gradC are sums over channels: a lane adds up its own channels, a warp its lanes with shuffles, a block its
// warps, and a second kernel the blocks. So that a lane always keeps its even registers and sends its odd ones, register k
// of the lanes' group c holds state k ^ (c mod 4).
#pragma once
#include "selective-scan/backward-load.cuh"

namespace bmojo::cuda {

struct ScanGradients {
  float *u, *delta, *z, *initialState;
  // Partial sums: rates [B, segments, E, N], states [blocks of channels, B, L, 2, width], skip and bias [B, segments, E].
  float *A, *states, *D, *deltaBias;
  // Cotangents of the states behind each segment [B, segments, E, N], sums of step sizes [B, segments, E].
  float *segmentEnds, *stepSums;
};

// Registers k of this lane's gradB and gradC, summed over the warp's groups of lanes as far as lanes allow.
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

// Writes what sumChannels left in this lane to the warp's row of sums [2, width].
template <int kLanes>
__device__ inline void storeChannelSums(float* row, const float (&gradB)[kStates], const float (&gradC)[kStates],
                                        int firstState, int version, int lane) {
  constexpr int width = kLanes * kStates;
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

// Adds up the warps' sums of the half tile that begins at `token`; `half`: 0 or kHalf, which of the two it is.
template <class Layout>
__device__ inline void storeHalfSums(const ScanProblem& p, const ScanGradients& grads, const float* memory, int half,
                                     int token) {
  const float* const sums = memory + Layout::sums + half / kHalf * Layout::halfSums;
  const int64_t block = static_cast<int64_t>(blockIdx.x) * p.B + blockIdx.y;
  for (int i = threadIdx.x; i < kHalf * Layout::tokenSums; i += Layout::threads) {
    if (token + i / Layout::tokenSums >= p.L) break;
    float sum = sums[i];
#pragma unroll
    for (int w = 1; w < Layout::warps; w++) sum += sums[w * kHalf * Layout::tokenSums + i];
    grads.states[(block * p.L + token) * Layout::tokenSums + i] = sum;
  }
}

// What a lane adds up over the tokens that it owns.
template <class Layout>
struct BackwardOwned {
  static constexpr int channels = Layout::channels;
  float bias[channels], skip[channels], gradSkip[channels] = {}, gradBias[channels] = {};

  __device__ BackwardOwned(const ScanProblem& p, const BackwardLane<Layout>& at) {
#pragma unroll
    for (int c = 0; c < channels; c++) {
      bias[c] = c < at.ownChannels && p.deltaBias ? p.deltaBias[at.e + c] : 0.0f;
      skip[c] = c < at.ownChannels && p.D ? p.D[at.e + c] : 0.0f;
    }
  }

  // The gradients of u, delta and z at token `t` of a tile, from its sums over states.
  __device__ void store(const ScanProblem& p, const ScanGradients& grads, const BackwardTile<Layout>& tile,
                        const BackwardLane<Layout>& lane, int t, const float (&rateSum)[channels],
                        const float (&gradInput)[channels], const float (&output)[channels]) {
    const float* const at = tile.stage + t * Layout::row;
    float input[channels], gradDelta[channels], gradSum[channels], pair[2 * channels], gradU[channels];
    loadRun(input, at);
    loadRun(gradDelta, at + Layout::delta);
    loadRun(gradSum, tile.gates + t * Layout::row);
    loadRun(pair, tile.pairs + t * Layout::pairRow);
#pragma unroll
    for (int c = 0; c < channels; c++) {
      const float rootSlope = gradDelta[c];
      gradDelta[c] = fmaf(rateSum[c], kLn2, gradInput[c] * input[c]) * rootSlope * rootSlope;
      gradU[c] = fmaf(gradSum[c], skip[c], gradInput[c] * pair[2 * c]);
      gradBias[c] += gradDelta[c];
      gradSkip[c] = fmaf(gradSum[c], input[c], gradSkip[c]);
    }
    const int64_t out = (static_cast<int64_t>(lane.b) * p.L + tile.begin + t) * p.E + lane.e;
    storeFirst(grads.delta + out, gradDelta, lane.ownChannels, p.alignedResults);
    storeFirst(grads.u + out, gradU, lane.ownChannels, p.alignedResults);
    if (p.z) {
      float gradZ[channels];
      loadRun(gradZ, at + Layout::z);
#pragma unroll
      for (int c = 0; c < channels; c++) gradZ[c] *= fmaf(skip[c], input[c], output[c]);
      storeFirst(grads.z + out, gradZ, lane.ownChannels, p.alignedResults);
    }
  }

  // The segment's share of gradD and gradDeltaBias.
  __device__ void storeSums(const ScanProblem& p, const ScanGradients& grads, const BackwardLane<Layout>& at) {
#pragma unroll
    for (int c = 0; c < channels; c++) {
#pragma unroll
      for (int m = 1; m < Layout::lanes; m *= 2) {
        gradSkip[c] += __shfl_xor_sync(kAll, gradSkip[c], m);
        gradBias[c] += __shfl_xor_sync(kAll, gradBias[c], m);
      }
      if (c >= at.ownChannels || at.part != 0) continue;
      grads.D[at.segmentRow * p.E + at.e + c] = gradSkip[c];
      grads.deltaBias[at.segmentRow * p.E + at.e + c] = gradBias[c];
    }
  }
};

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

}  // namespace bmojo::cuda
