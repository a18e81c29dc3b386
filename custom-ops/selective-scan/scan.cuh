// What forward and backward of the selective scan on CUDA share. A channel's states are spread over kLanes lanes, four
// each; the channels of a block walk through time together, tile by tile, and tiles are copied to shared memory ahead of
// their use. Lane l of a channel also owns tokens l, l + kLanes, ... of each tile: it alone computes their softplus and
// gate.
#pragma once
#include "native/cuda/device.cuh"

namespace bmojo::cuda {

constexpr int kTile = 16;
constexpr int kHalf = 8;
constexpr int kStates = 4;

struct ScanProblem {
  int B, L, E, N, chunk, softplus;
  const float *u, *delta, *A, *writes, *reads, *D, *z, *deltaBias, *initialState;
  // Rows of E channels, of N states, may be copied 16 bytes at a time.
  int alignedChannels, alignedStates;
};

inline ScanProblem scanProblem(const Call& call) {
  ScanProblem p = {call.integer(0), call.integer(1), call.integer(2), call.integer(3), call.integer(4),
                   call.integer(5), call.in(0),      call.in(1),      call.in(2),      call.in(3),
                   call.in(4),      call.in(5),      call.in(6),      call.in(7),      call.in(8),
                   0,                0};
  p.alignedChannels = p.E % 4 == 0 && isAligned16(p.u) && isAligned16(p.delta) && isAligned16(p.z);
  p.alignedStates = p.N % 4 == 0;
  return p;
}

// Lanes that share the N states of a channel; 0 when there are too many.
inline int scanLanes(int N) { return N <= 16 ? 4 : N <= 32 ? 8 : N <= 64 ? 16 : N <= 128 ? 32 : 0; }

// Sizes that follow from the lanes for one channel and the threads of a block.
template <int kLanes, int kThreads>
struct ScanShape {
  static constexpr int threads = kThreads;
  static constexpr int channels = kThreads / kLanes;
  // Floats of a row of channels in shared memory: rows of neighbouring tokens start eight banks apart.
  static constexpr int row = channels % 32 == 0 ? channels + 8 : channels + 8 - channels % 8;
  static constexpr int width = kLanes * kStates;
  // Tokens out of `tokens` that a lane owns.
  static __host__ __device__ constexpr int owned(int tokens) { return kLanes < tokens ? tokens / kLanes : 1; }
};

// Copies `channels` floats of kTile tokens from a [B, L, E] tensor; zeros outside of it. Null: nothing.
template <class Shape>
__device__ inline void copyChannels(float* tile, const float* tensor, const ScanProblem& p, int b, int token,
                                    int channel) {
  if (!tensor) return;
  if (p.alignedChannels) {
    constexpr int quads = Shape::channels / 4;
    if constexpr (quads > 0) {
      for (int i = threadIdx.x; i < kTile * quads; i += Shape::threads) {
        const int t = i / quads, c = i % quads * 4;
        const bool valid = token + t < p.L && channel + c < p.E;
        const int64_t at = valid ? (static_cast<int64_t>(b) * p.L + token + t) * p.E + channel + c : 0;
        copyAsync16(tile + t * Shape::row + c, tensor + at, valid);
      }
      return;
    }
  }
  for (int i = threadIdx.x; i < kTile * Shape::channels; i += Shape::threads) {
    const int t = i / Shape::channels, c = i % Shape::channels;
    const bool valid = token + t < p.L && channel + c < p.E;
    const int64_t at = valid ? (static_cast<int64_t>(b) * p.L + token + t) * p.E + channel + c : 0;
    copyAsync4(tile + t * Shape::row + c, tensor + at, valid);
  }
}

// Copies kTile rows of a [B, L, N] tensor, `versions` times: version v holds state n ^ v in the place of state n.
template <class Shape, int kVersions>
__device__ inline void copyStates(float* tile, const float* tensor, const ScanProblem& p, int b, int token) {
  for (int i = threadIdx.x; i < kTile * kVersions * Shape::width; i += Shape::threads) {
    const int t = i / (kVersions * Shape::width), version = i / Shape::width % kVersions;
    const int n = i % Shape::width ^ version;
    const bool valid = token + t < p.L && n < p.N;
    const int64_t at = valid ? (static_cast<int64_t>(b) * p.L + token + t) * p.N + n : 0;
    copyAsync4(tile + i, tensor + at, valid);
  }
}

__device__ inline float stepOf(float raw, int softplusOn) { return softplusOn ? softplus(raw) : raw; }

}  // namespace bmojo::cuda
