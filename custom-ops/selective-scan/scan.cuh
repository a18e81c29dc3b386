// What the selective scan's kernels on CUDA share. A channel's states are spread over kLanes lanes, kStates each; a lane
// has kChannels neighbouring channels. The channels of a block walk through time together, tile by tile, and tiles are
// copied to shared memory ahead of their use. Where channels are too few to fill the card, segments of time run side by
// side (segments.cuh).
#pragma once
#include "native/cuda/elementwise.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

// Tokens of a tile, and between saved states (CHUNK in definition.ts).
constexpr int kTile = 16;

struct ScanProblem {
  int B, L, E, N, chunk, softplus;
  const float *u, *delta, *A, *writes, *reads, *D, *z, *deltaBias, *initialState;
  // Rows of E channels, of N states, may be copied 16 bytes at a time; results written so.
  int alignedChannels, alignedStates, alignedResults;
  int tiles;
  // Of time, and tiles of each but the last.
  int segments, segmentTiles;
};

inline ScanProblem scanProblem(const Call& call) {
  using P = ports::SelectiveScanForward;
  using S = P::Scalar;
  ScanProblem p = {};
  p.B = call.integer(S::B), p.L = call.integer(S::L), p.E = call.integer(S::E), p.N = call.integer(S::N);
  p.chunk = call.integer(S::chunk), p.softplus = call.integer(S::deltaSoftplus);
  p.u = call.in(P::u), p.delta = call.in(P::delta), p.A = call.in(P::A);
  p.writes = call.in(P::B), p.reads = call.in(P::C);
  p.D = call.in(P::D), p.z = call.in(P::z), p.deltaBias = call.in(P::deltaBias);
  p.initialState = call.in(P::initialState);
  p.alignedChannels = p.E % 4 == 0 && isAligned16(p.u) && isAligned16(p.delta) && isAligned16(p.z);
  p.alignedStates = p.N % 4 == 0 && isAligned16(p.writes) && isAligned16(p.reads);
  p.alignedResults = p.E % 4 == 0;
  p.tiles = (p.L + kTile - 1) / kTile;
  p.segments = 1, p.segmentTiles = p.tiles;
  return p;
}

// Sizes that follow from how a channel is spread and from the threads of a block.
template <int kLanes, int kStates, int kChannels, int kThreads>
struct ScanShape {
  static constexpr int threads = kThreads;
  static constexpr int channels = kThreads / kLanes * kChannels;
  // Lanes of a channel read different tokens at once, kChannels floats each: rows of neighbouring tokens start so many
  // banks apart that they do not meet.
  static constexpr int pad = kLanes == 1 ? 0 : kLanes < 8 ? 32 / kLanes : 4;
  static constexpr int row = (channels + 31) / 32 * 32 + pad;
  static constexpr int width = kLanes * kStates;
  // Tokens out of `tokens` of which a lane alone computes step size and gate.
  static __host__ __device__ constexpr int owned(int tokens) { return kLanes < tokens ? tokens / kLanes : 1; }
};

// kCount consecutive floats of shared memory, aligned to their size up to 16 bytes.
template <int kCount>
__device__ inline void loadRun(float (&to)[kCount], const float* from) {
  constexpr int width = kCount % 4 == 0 ? 4 : kCount % 2 == 0 ? 2 : 1;
#pragma unroll
  for (int i = 0; i < kCount; i += width) {
    const Pack<width> pack = loadPack<width>(from + i);
#pragma unroll
    for (int j = 0; j < width; j++) to[i + j] = pack.x[j];
  }
}

template <int kCount>
__device__ inline void storeRun(float* to, const float (&from)[kCount]) {
  constexpr int width = kCount % 4 == 0 ? 4 : kCount % 2 == 0 ? 2 : 1;
#pragma unroll
  for (int i = 0; i < kCount; i += width) {
    Pack<width> pack;
#pragma unroll
    for (int j = 0; j < width; j++) pack.x[j] = from[i + j];
    storePack<width>(to + i, pack);
  }
}

// The first `count` of kCount floats to memory, at once where `aligned`.
template <int kCount>
__device__ inline void storeFirst(float* to, const float (&from)[kCount], int count, bool aligned) {
  if (kCount > 1 && aligned) {
    if (count > 0) storeRun<kCount>(to, from);
    return;
  }
#pragma unroll
  for (int i = 0; i < kCount; i++) {
    if (i < count) to[i] = from[i];
  }
}

// Copies columns of kTile rows to shared memory, kWidth floats at a time; zeros where t >= left. A thread keeps to one
// column: `from` is its first element, `to` its column.
template <int kThreads, int kColumns, int kWidth>
__device__ inline void copyColumns(float* to, int toRow, const float* from, int64_t fromRow, int left) {
  constexpr int rows = kThreads / kColumns < kTile ? kThreads / kColumns : kTile;
  static_assert(kThreads >= kColumns && kThreads % kColumns == 0);
  const int first = threadIdx.x / kColumns;
  if (kThreads / kColumns > kTile && first >= kTile) return;
  to += first * toRow;
#pragma unroll
  for (int t = 0; t < kTile; t += rows) {
    if constexpr (kWidth == 4) {
      copyAsync16(to + t * toRow, from, first + t < left);
    } else {
      copyAsync4(to + t * toRow, from, first + t < left);
    }
    from += rows * fromRow;
  }
}

// Where a thread copies from: its own elements of the next tile, moved from tile to tile by additions.
template <class Shape, int kVersions>
struct TileCursor {
  static constexpr int quads = Shape::channels / 4 > 0 ? Shape::channels / 4 : 1;
  static constexpr int columns = kVersions * Shape::width, stateQuads = Shape::width / 4;

  int token, step, channelsLeft;
  int64_t channelAt, channelStep, stateAt, stateStep;
  bool hasChannel, hasState;

  // Begins at tile `tile` and moves by `direction` tiles.
  __device__ TileCursor(const ScanProblem& p, int b, int tile, int direction, int channel)
      : token(tile * kTile), step(direction * kTile), channelsLeft(p.E - channel) {
    const int64_t row = static_cast<int64_t>(b) * p.L + token;
    const int own = p.alignedChannels ? static_cast<int>(threadIdx.x) % quads * 4 : 0;
    channelAt = (row + (p.alignedChannels ? static_cast<int>(threadIdx.x) / quads : 0)) * p.E + channel + own;
    hasChannel = channel + own < p.E;
    const bool whole = kVersions == 1 && p.alignedStates;
    const int n = state(whole);
    stateAt = (row + static_cast<int>(threadIdx.x) / (whole ? stateQuads : columns)) * p.N + n;
    hasState = n < p.N;
    channelStep = static_cast<int64_t>(step) * p.E;
    stateStep = static_cast<int64_t>(step) * p.N;
  }

  // The first state of this thread's column. Version v holds state n ^ v in the place of state n.
  __device__ static int state(bool whole) {
    if (whole) return static_cast<int>(threadIdx.x) % stateQuads * 4;
    const int column = static_cast<int>(threadIdx.x) % columns;
    return column % Shape::width ^ column / Shape::width;
  }

  __device__ void advance() {
    token += step;
    channelAt += channelStep;
    stateAt += stateStep;
  }

  // Copies `channels` floats of kTile tokens from a [B, L, E] tensor; zeros outside of it. Null: nothing.
  __device__ void copyChannels(float* tile, const float* tensor, const ScanProblem& p) const {
    if (!tensor) return;
    const float* const from = tensor + channelAt;
    if constexpr (Shape::channels >= 4) {
      if (p.alignedChannels) {
        copyColumns<Shape::threads, quads, 4>(tile + threadIdx.x % quads * 4, Shape::row, from, p.E,
                                              hasChannel ? p.L - token : 0);
        return;
      }
    }
#pragma unroll 1
    for (int i = threadIdx.x; i < kTile * Shape::channels; i += Shape::threads) {
      const int t = i / Shape::channels, c = i % Shape::channels;
      const bool valid = token + t < p.L && c < channelsLeft;
      copyAsync4(tile + t * Shape::row + c, from + (valid ? static_cast<int64_t>(t) * p.E + c : 0), valid);
    }
  }

  // Copies kTile rows of a [B, L, N] tensor, in all versions.
  __device__ void copyStates(float* tile, const float* tensor, const ScanProblem& p) const {
    const float* const from = tensor + stateAt;
    const int left = hasState ? p.L - token : 0;
    if constexpr (kVersions == 1) {
      if (p.alignedStates) {
        copyColumns<Shape::threads, stateQuads, 4>(tile + state(true), columns, from, p.N, left);
        return;
      }
    }
    copyColumns<Shape::threads, columns, 1>(tile + threadIdx.x % columns, columns, from, p.N, left);
  }
};

__device__ inline float stepOf(float raw, int softplusOn) {
  const float smooth = computed(softplus(raw));
  return softplusOn ? smooth : raw;
}

}  // namespace bmojo::cuda
