// The scan cut into segments of time. A segment maps the state before it, h, to P h + q: a first kernel computes every
// segment's q (the state that it reaches from 0) and the sum of its step sizes, from which P follows; a second carries
// states from segment to segment; then all segments can run side by side. Backwards it is the cotangent of the state that
// is carried, from the last segment to the first.
#pragma once
#include "selective-scan/scan.cuh"

namespace bmojo::cuda {

// Shorter segments would spend more on beginning than on walking.
constexpr int kFewestSegmentTiles = 8;

// Cuts time so that `blocks` blocks a segment, perSm at once on a multiprocessor, fill the card.
inline cudaError_t cutTime(ScanProblem& p, int64_t blocks, int perSm) {
  int device = 0, processors = 0;
  BMOJO_RETURN_IF(cudaGetDevice(&device));
  BMOJO_RETURN_IF(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
  const int64_t fitting = static_cast<int64_t>(processors) * perSm / blocks;
  const int64_t segments = fitting < p.tiles / kFewestSegmentTiles ? fitting : p.tiles / kFewestSegmentTiles;
  // Two would gain nothing: their first pass takes as long as half the second.
  if (segments < 3) return cudaSuccess;
  p.segmentTiles = static_cast<int>(ceilDiv(p.tiles, segments));
  p.segments = static_cast<int>(ceilDiv(p.tiles, p.segmentTiles));
  return cudaSuccess;
}

// Where the states at segments' ends go: [B, rows, E, N], of the z-th at row (z + 1) * step (z * step backwards); and the
// sums of step sizes: [B, rows, E].
struct ScanSummary {
  float *states, *stepSums;
  int stateRows, stateStep, sumRows, sumStep;

  __device__ int64_t state(int b, int z) const { return static_cast<int64_t>(b) * stateRows + z * stateStep; }
  __device__ int64_t sum(int b, int z) const { return static_cast<int64_t>(b) * sumRows + z * sumStep; }
};

// States a lane; each lane of a channel computes its step sizes anew.
constexpr int kSummaryStates = 8;
constexpr int kSummaryThreads = 128;
constexpr int kSummaryStages = 3;
constexpr int kSummaryBatch = 8;

template <int kLanes, bool kBackwards>
struct ScanSummaryMemory {
  using Shape = ScanShape<kLanes, kSummaryStates, 1, kSummaryThreads>;
  static constexpr int channelTile = kTile * Shape::row;
  static constexpr int stage = (kBackwards ? 3 : 2) * channelTile + kTile * Shape::width;
  static constexpr int floats = kSummaryStages * stage;
};

// Forwards: segments 0 to segments - 2, what state each reaches from 0. Backwards: segments 1 to segments - 1, the
// cotangent that reaches each one's beginning when none enters its end.
template <int kLanes, bool kBackwards>
__global__ void __launch_bounds__(kSummaryThreads)
scanSummaryKernel(ScanProblem p, const float* __restrict__ gradY, ScanSummary summary) {
  using Memory = ScanSummaryMemory<kLanes, kBackwards>;
  using Shape = typename Memory::Shape;
  constexpr int kStates = kSummaryStates, kStages = kSummaryStages, kBatch = kSummaryBatch;
  BMOJO_SHARED(memory);
  const int part = threadIdx.x % kLanes, channel = threadIdx.x / kLanes;
  const int firstChannel = blockIdx.x * Shape::channels, e = firstChannel + channel, b = blockIdx.y;
  const int firstState = part * kStates;
  const int segment = blockIdx.z + (kBackwards ? 1 : 0);
  const int firstTile = segment * p.segmentTiles, count = min(p.segmentTiles, p.tiles - firstTile);

  float rate[kStates], state[kStates] = {}, stepSum = 0.0f;
#pragma unroll
  for (int k = 0; k < kStates; k++) {
    const bool has = e < p.E && firstState + k < p.N;
    rate[k] = has ? p.A[static_cast<int64_t>(e) * p.N + firstState + k] * kLog2e : 0.0f;
  }
  const float bias = e < p.E && p.deltaBias ? p.deltaBias[e] : 0.0f;

  const auto tileOf = [&](int visit) { return firstTile + (kBackwards ? count - 1 - visit : visit); };
  TileCursor<Shape, 1> cursor(p, b, tileOf(0), kBackwards ? -1 : 1, firstChannel);
  const auto load = [&](int visit) {
    if (visit < count) {
      float* stage = memory + visit % kStages * Memory::stage;
      cursor.copyChannels(stage, p.delta, p);
      cursor.copyChannels(stage + Memory::channelTile, kBackwards ? gradY : p.u, p);
      if constexpr (kBackwards) cursor.copyChannels(stage + 2 * Memory::channelTile, p.z, p);
      cursor.copyStates(stage + Memory::stage - kTile * Shape::width, kBackwards ? p.reads : p.writes, p);
      cursor.advance();
    }
    copyCommit();
  };
  for (int visit = 0; visit < kStages - 1; visit++) load(visit);
  for (int visit = 0; visit < count; visit++) {
    copyWait<kStages - 2>();
    __syncthreads();
    load(visit + kStages - 1);
    const float* const stage = memory + visit % kStages * Memory::stage;
    const float* const rows = stage + Memory::stage - kTile * Shape::width + firstState;
    const int begin = tileOf(visit) * kTile;
#pragma unroll 1
    for (int half = 0; half < kTile; half += kBatch) {
      const int first = kBackwards ? kTile - kBatch - half : half;
      float steps[kBatch], added[kBatch];
#pragma unroll
      for (int t = 0; t < kBatch; t++) {
        const float* const at = stage + (first + t) * Shape::row + channel;
        const float step = computed(stepOf(at[0] + bias, p.softplus));
        steps[t] = begin + first + t < p.L ? step : 0.0f;
        added[t] = at[Memory::channelTile];
        if constexpr (kBackwards) {
          const float z = at[2 * Memory::channelTile], gated = computed(z * sigmoid(z));
          added[t] *= p.z ? gated : 1.0f;
        } else {
          added[t] *= steps[t];
        }
        stepSum += steps[t];
      }
#pragma unroll
      for (int i = 0; i < kBatch; i++) {
        const int t = kBackwards ? kBatch - 1 - i : i;
        float row[kStates];
        loadRun(row, rows + (first + t) * Shape::width);
#pragma unroll
        for (int k = 0; k < kStates; k++) {
          const float decay = ex2(steps[t] * rate[k]);
          state[k] = kBackwards ? decay * fmaf(added[t], row[k], state[k]) : fmaf(decay, state[k], added[t] * row[k]);
        }
      }
    }
  }
  if (e >= p.E) return;
  const int slot = blockIdx.z + (kBackwards ? 0 : 1);
  float* const to = summary.states + (summary.state(b, slot) * p.E + e) * p.N + firstState;
#pragma unroll
  for (int k = 0; k < kStates; k++) {
    if (firstState + k < p.N) to[k] = state[k];
  }
  if (part == 0) summary.stepSums[summary.sum(b, slot) * p.E + e] = stepSum;
}

constexpr int kCarryThreads = 128;
constexpr int kCarryAhead = 8;

// A thread carries one state through the segments: what was reached from 0 becomes what is reached from `initial`
// [B, E, N] (null: 0).
template <bool kBackwards>
__global__ void __launch_bounds__(kCarryThreads)
scanCarryKernel(ScanProblem p, const float* __restrict__ initial, ScanSummary summary) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * kCarryThreads + threadIdx.x, row = static_cast<int64_t>(p.E) * p.N;
  if (i >= row) return;
  const int b = blockIdx.y, e = static_cast<int>(i / p.N), count = p.segments - 1;
  const float rate = p.A[i] * kLog2e;
  float state = initial ? initial[b * row + i] : 0.0f;
  for (int first = 0; first < count; first += kCarryAhead) {
    float reached[kCarryAhead], stepSums[kCarryAhead];
#pragma unroll
    for (int j = 0; j < kCarryAhead; j++) {
      if (first + j >= count) break;
      const int slot = kBackwards ? count - 1 - first - j : first + j + 1;
      reached[j] = summary.states[summary.state(b, slot) * row + i];
      stepSums[j] = summary.stepSums[summary.sum(b, slot) * p.E + e];
    }
#pragma unroll
    for (int j = 0; j < kCarryAhead; j++) {
      if (first + j >= count) break;
      const int slot = kBackwards ? count - 1 - first - j : first + j + 1;
      state = fmaf(ex2(rate * stepSums[j]), state, reached[j]);
      summary.states[summary.state(b, slot) * row + i] = state;
    }
  }
}

template <int kLanes, bool kBackwards>
cudaError_t launchScanSummary(const ScanProblem& p, const float* gradY, const ScanSummary& summary, cudaStream_t stream) {
  using Memory = ScanSummaryMemory<kLanes, kBackwards>;
  const dim3 grid(static_cast<unsigned>(ceilDiv(p.E, Memory::Shape::channels)), static_cast<unsigned>(p.B),
                  static_cast<unsigned>(p.segments - 1));
  return launch(scanSummaryKernel<kLanes, kBackwards>, grid, kSummaryThreads, Memory::floats * sizeof(float), stream, p,
                gradY, summary);
}

// Leaves the states before segments 1, 2, ... (backwards: the cotangents behind segments 0, 1, ...) in summary.states.
template <bool kBackwards>
cudaError_t summarizeSegments(const ScanProblem& p, const float* gradY, const float* initial, const ScanSummary& summary,
                              cudaStream_t stream) {
  BMOJO_RETURN_IF((p.N <= 16   ? launchScanSummary<2, kBackwards>
                   : p.N <= 32 ? launchScanSummary<4, kBackwards>
                   : p.N <= 64 ? launchScanSummary<8, kBackwards>
                               : launchScanSummary<16, kBackwards>)(p, gradY, summary, stream));
  const dim3 grid(static_cast<unsigned>(ceilDiv(static_cast<int64_t>(p.E) * p.N, kCarryThreads)),
                  static_cast<unsigned>(p.B));
  return launch(scanCarryKernel<kBackwards>, grid, kCarryThreads, 0, stream, p, initial, summary);
}

}  // namespace bmojo::cuda
