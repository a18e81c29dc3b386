// What the backward pass brings to shared memory: tiles of time from the last to the first, ahead of their use, and what
// the owner of each token makes of them once for all states: step sizes, gates and slopes.
#pragma once
#include "selective-scan/segments.cuh"

namespace bmojo::cuda {

// Half a tile: tokens whose states and decays fit into registers.
constexpr int kHalf = 8;
// States a lane.
constexpr int kStates = 4;

struct ScanCotangents {
  const float *chunkStates, *gradY, *gradFinalState;
};

// Sizes that follow from how a channel is spread, and the places of everything in shared memory.
template <int kLanes, int kChannels, int kThreads, int kStages>
struct BackwardLayout {
  using Shape = ScanShape<kLanes, kStates, kChannels, kThreads>;
  static constexpr int lanes = kLanes, channels = kChannels, threads = kThreads, stages = kStages;
  static constexpr int width = Shape::width, row = Shape::row;
  static constexpr int versions = width <= 32 ? 4 : width == 64 ? 2 : 1;
  static constexpr int warps = kThreads / kWarp;
  static constexpr int channelTile = kTile * row;
  static constexpr int stateRow = versions * width;
  static constexpr int stage = 4 * channelTile + 2 * kTile * stateRow;
  // Within a stage: u, delta (later the root of the step size's slope), z (later the factor of its gradient), gradY; B, C.
  static constexpr int delta = channelTile, z = 2 * channelTile, gradY = 3 * channelTile;
  static constexpr int writes = 4 * channelTile, reads = writes + kTile * stateRow;
  // For each token of a tile and channel: step size and step size * u; d loss / d (y before the gate).
  static constexpr int pairs = kStages * stage;
  static constexpr int pairRow = 2 * (row - Shape::pad) + Shape::pad;
  static constexpr int gates = pairs + kTile * pairRow;
  // The warps' sums for gradB and gradC of a half tile, one block of memory for either half: while one is filled, the
  // other is added up.
  static constexpr int sums = gates + kTile * row;
  static constexpr int tokenSums = 2 * width;
  static constexpr int halfSums = warps * kHalf * tokenSums;
  static constexpr int floats = sums + 2 * halfSums;
};

// Where a thread stands: its lane among those of a channel, its channels, its states. Register k of version v is state
// k ^ v.
template <class Layout>
struct BackwardLane {
  int lane, warp, part, channel, version, e, b, segment, ownChannels, firstState, ownStates;
  // Of [B, segments].
  int64_t segmentRow;

  __device__ explicit BackwardLane(const ScanProblem& p)
      : lane(threadIdx.x % kWarp), warp(threadIdx.x / kWarp), part(threadIdx.x % Layout::lanes),
        channel(threadIdx.x / Layout::lanes * Layout::channels),
        version(threadIdx.x / Layout::lanes % Layout::versions), e(blockIdx.x * Layout::Shape::channels + channel),
        b(blockIdx.y), segment(blockIdx.z), ownChannels(p.E - e), firstState(part * kStates),
        ownStates(p.N - firstState), segmentRow(static_cast<int64_t>(b) * p.segments + segment) {}

  // Row `row` of [rows, E, N]; zeros where `from` is null and for states beyond the last.
  __device__ void loadStates(float (&to)[Layout::channels][kStates], const ScanProblem& p, const float* from,
                             int64_t row) const {
#pragma unroll
    for (int c = 0; c < Layout::channels; c++) {
#pragma unroll
      for (int k = 0; k < kStates; k++) {
        const int n = k ^ version;
        to[c][k] = from && c < ownChannels && n < ownStates ? from[(row * p.E + e + c) * p.N + firstState + n] : 0.0f;
      }
    }
  }

  __device__ void storeStates(float* to, const ScanProblem& p, const float (&from)[Layout::channels][kStates],
                              int64_t row) const {
#pragma unroll
    for (int c = 0; c < Layout::channels; c++) {
#pragma unroll
      for (int k = 0; k < kStates; k++) {
        const int n = k ^ version;
        if (c < ownChannels && n < ownStates) to[(row * p.E + e + c) * p.N + firstState + n] = from[c][k];
      }
    }
  }
};

// Visit v works on tile lastTile - 1 - v.
template <class Layout>
struct BackwardTiles {
  const ScanProblem& p;
  const ScanCotangents& in;
  float* memory;
  int visits;
  TileCursor<typename Layout::Shape, Layout::versions> cursor;

  __device__ BackwardTiles(const ScanProblem& p, const ScanCotangents& in, float* memory, int b, int firstTile,
                           int lastTile)
      : p(p), in(in), memory(memory), visits(lastTile - firstTile),
        cursor(p, b, lastTile - 1, -1, blockIdx.x * Layout::Shape::channels) {}

  __device__ float* stageOf(int visit) const { return memory + visit % Layout::stages * Layout::stage; }

  // Begins the copies of a visit's tile, if there is such a visit.
  __device__ void load(int visit) {
    if (visit < visits) {
      float* stage = stageOf(visit);
      cursor.copyChannels(stage, p.u, p);
      cursor.copyChannels(stage + Layout::delta, p.delta, p);
      cursor.copyChannels(stage + Layout::z, p.z, p);
      cursor.copyChannels(stage + Layout::gradY, in.gradY, p);
      cursor.copyStates(stage + Layout::writes, p.writes, p);
      cursor.copyStates(stage + Layout::reads, p.reads, p);
      cursor.advance();
    }
    copyCommit();
  }
};

// One tile as a thread sees it.
template <class Layout>
struct BackwardTile {
  // From the thread's channels on: a stage, pairs and gates; from its states on: B and C.
  float *stage, *pairs, *gates;
  const float *writes, *reads;
  // Its first token.
  int begin;

  __device__ BackwardTile(const BackwardTiles<Layout>& tiles, const BackwardLane<Layout>& at, int visit, int begin)
      : stage(tiles.stageOf(visit) + at.channel), pairs(tiles.memory + Layout::pairs + 2 * at.channel),
        gates(tiles.memory + Layout::gates + at.channel),
        writes(tiles.stageOf(visit) + Layout::writes + at.version * Layout::width + at.firstState),
        reads(writes + kTile * Layout::stateRow), begin(begin) {}

  // Step sizes, gates and slopes of the tokens that this lane owns.
  __device__ void prepare(const ScanProblem& p, const float (&bias)[Layout::channels], int part) const {
    constexpr int channels = Layout::channels;
#pragma unroll
    for (int i = 0; i < Layout::Shape::owned(kTile); i++) {
      const int t = i * Layout::lanes + part;
      if (Layout::lanes > kTile && t >= kTile) break;
      float* const at = stage + t * Layout::row;
      const bool valid = begin + t < p.L;
      float input[channels], raw[channels], gradSum[channels], z[channels], pair[2 * channels];
      loadRun(input, at);
      loadRun(raw, at + Layout::delta);
      loadRun(gradSum, at + Layout::gradY);
      loadRun(z, at + Layout::z);
#pragma unroll
      for (int c = 0; c < channels; c++) {
        raw[c] += bias[c];
        float step, rootSlope;
        softplusRootSlope(raw[c], step, rootSlope);
        step = computed(step), rootSlope = computed(rootSlope);
        if (!p.softplus) step = raw[c];
        if (!valid) step = 0.0f;
        raw[c] = p.softplus ? rootSlope : 1.0f;
        pair[2 * c] = step, pair[2 * c + 1] = step * input[c];
        const float gate = sigmoid(z[c]), product = gradSum[c] * gate, gated = computed(product * z[c]);
        gradSum[c] = p.z ? gated : gradSum[c];
        z[c] = fmaf(gated, 1.0f - gate, product);
      }
      // In the place of delta: the root of the step size's slope.
      storeRun(at + Layout::delta, raw);
      storeRun(pairs + t * Layout::pairRow, pair);
      // In the place of z: what its gradient multiplies y before the gate by.
      storeRun(at + Layout::z, z);
      storeRun(gates + t * Layout::row, gradSum);
    }
  }
};

}  // namespace bmojo::cuda
