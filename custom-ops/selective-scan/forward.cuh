// One pass over time: every input is read once, every output written once, and the states never leave registers. kBatch
// tokens at a time (a tile or half of one) go through softplus and gate, then the recurrence, then the sums over states.
// Lane l of a channel owns tokens l, l + kLanes, ... of a batch: it alone computes their softplus and gate, and writes y.
#pragma once
#include "selective-scan/segments.cuh"

namespace bmojo::cuda {

template <class Shape, int kStages, int kBatch>
struct ScanForwardMemory {
  static constexpr int channelTile = kTile * Shape::row;
  static constexpr int stateTile = kTile * Shape::width;
  static constexpr int stage = 3 * channelTile + 2 * stateTile;
  // For each token of a batch and channel: step size and step size * u. A lone lane keeps them in registers.
  static constexpr int pairs = kStages * stage;
  static constexpr int pairRow = 2 * (Shape::row - Shape::pad) + Shape::pad;
  static constexpr int floats = pairs + (Shape::pad ? kBatch * pairRow : 0);
};

// kPolynomial of a lane's kStates decays are computed on the multiplication units.
template <int kLanes, int kStates, int kChannels, int kThreads, int kStages, int kBlocks, int kBatch, int kPolynomial>
__global__ void __launch_bounds__(kThreads, kBlocks)
scanForwardKernel(ScanProblem p, float* __restrict__ y, float* __restrict__ finalState,
                  float* __restrict__ chunkStates) {
  using Shape = ScanShape<kLanes, kStates, kChannels, kThreads>;
  using Memory = ScanForwardMemory<Shape, kStages, kBatch>;
  constexpr int owned = Shape::owned(kBatch);
  BMOJO_SHARED(memory);
  const int part = threadIdx.x % kLanes, channel = threadIdx.x / kLanes * kChannels;
  const int firstChannel = blockIdx.x * Shape::channels, e = firstChannel + channel, b = blockIdx.y;
  const int ownChannels = p.E - e, firstState = part * kStates, ownStates = p.N - firstState;
  const int firstTile = blockIdx.z * p.segmentTiles, lastTile = min(firstTile + p.segmentTiles, p.tiles);

  float rate[kChannels][kStates], state[kChannels][kStates], bias[kChannels], skip[kChannels];
  const float* const initial = blockIdx.z == 0 ? p.initialState : chunkStates;
  const int64_t initialRow = blockIdx.z == 0 ? static_cast<int64_t>(b) * p.E : (static_cast<int64_t>(b) * p.tiles + firstTile) * p.E;
#pragma unroll
  for (int c = 0; c < kChannels; c++) {
#pragma unroll
    for (int k = 0; k < kStates; k++) {
      const bool has = c < ownChannels && k < ownStates;
      rate[c][k] = has ? p.A[static_cast<int64_t>(e + c) * p.N + firstState + k] * kLog2e : 0.0f;
      state[c][k] = has && initial ? initial[(initialRow + e + c) * p.N + firstState + k] : 0.0f;
    }
    bias[c] = c < ownChannels && p.deltaBias ? p.deltaBias[e + c] : 0.0f;
    skip[c] = c < ownChannels && p.D ? p.D[e + c] : 0.0f;
  }

  TileCursor<Shape, 1> cursor(p, b, firstTile, 1, firstChannel);
  const auto load = [&](int tile) {
    if (tile < lastTile) {
      float* stage = memory + tile % kStages * Memory::stage;
      cursor.copyChannels(stage, p.u, p);
      cursor.copyChannels(stage + Memory::channelTile, p.delta, p);
      cursor.copyChannels(stage + 2 * Memory::channelTile, p.z, p);
      cursor.copyStates(stage + 3 * Memory::channelTile, p.writes, p);
      cursor.copyStates(stage + 3 * Memory::channelTile + Memory::stateTile, p.reads, p);
      cursor.advance();
    }
    copyCommit();
  };
  const auto storeStates = [&](float* to, int64_t row) {
#pragma unroll
    for (int c = 0; c < kChannels; c++) {
      if (c >= ownChannels) break;
      float* const at = to + (row + e + c) * p.N + firstState;
#pragma unroll
      for (int k = 0; k < kStates; k += 4) {
        const float four[4] = {state[c][k], state[c][k + 1], state[c][k + 2], state[c][k + 3]};
        storeFirst(at + k, four, ownStates - k, p.alignedStates);
      }
    }
  };

  for (int tile = 0; tile < kStages - 1; tile++) load(firstTile + tile);
  float* const pairs = memory + Memory::pairs + 2 * channel;
  for (int tile = firstTile; tile < lastTile; tile++) {
    copyWait<kStages - 2>();
    __syncthreads();
    load(tile + kStages - 1);
    const float* const stage = memory + tile % kStages * Memory::stage;
    const float* const writes = stage + 3 * Memory::channelTile + firstState;
    const float* const reads = writes + Memory::stateTile;
    const int begin = tile * kTile;
    float* out = y + (static_cast<int64_t>(b) * p.L + begin + part) * p.E + e;
    storeStates(chunkStates, (static_cast<int64_t>(b) * p.tiles + tile) * p.E);
#pragma unroll
    for (int first = 0; first < kTile; first += kBatch) {
      float gate[owned][kChannels], passed[owned][kChannels], ownPairs[owned][2 * kChannels];
      if constexpr (kLanes > 1) __syncwarp();
#pragma unroll
      for (int i = 0; i < owned; i++) {
        const int t = i * kLanes + part;
        if (kLanes > kBatch && t >= kBatch) break;
        const float* const at = stage + (first + t) * Shape::row + channel;
        float input[kChannels], raw[kChannels], z[kChannels];
        loadRun(input, at);
        loadRun(raw, at + Memory::channelTile);
        loadRun(z, at + 2 * Memory::channelTile);
        // Tokens beyond the last leave the state as it is.
        const bool valid = begin + first + t < p.L;
#pragma unroll
        for (int c = 0; c < kChannels; c++) {
          const float smooth = computed(stepOf(raw[c] + bias[c], p.softplus)), step = valid ? smooth : 0.0f;
          ownPairs[i][2 * c] = step, ownPairs[i][2 * c + 1] = step * input[c];
          passed[i][c] = skip[c] * input[c];
          const float gated = computed(z[c] * sigmoid(z[c]));
          gate[i][c] = p.z ? gated : 1.0f;
        }
        if constexpr (kLanes > 1) storeRun(pairs + t * Memory::pairRow, ownPairs[i]);
      }
      if constexpr (kLanes > 1) __syncwarp();
      float sums[kChannels][kBatch];
#pragma unroll
      for (int t = 0; t < kBatch; t++) {
        float pair[2 * kChannels], w[kStates], r[kStates];
        if constexpr (kLanes > 1) {
          loadRun(pair, pairs + t * Memory::pairRow);
        } else {
#pragma unroll
          for (int c = 0; c < 2 * kChannels; c++) pair[c] = ownPairs[t][c];
        }
        loadRun(w, writes + (first + t) * Shape::width);
        loadRun(r, reads + (first + t) * Shape::width);
#pragma unroll
        for (int c = 0; c < kChannels; c++) {
          float even = 0.0f, odd = 0.0f;
#pragma unroll
          for (int k = 0; k < kStates; k++) {
            const float exponent = pair[2 * c] * rate[c][k];
            const float decay = k < kPolynomial ? ex2Polynomial(exponent) : ex2(exponent);
            state[c][k] = fmaf(decay, state[c][k], pair[2 * c + 1] * w[k]);
            float& sum = k % 2 ? odd : even;
            sum = k < 2 ? state[c][k] * r[k] : fmaf(state[c][k], r[k], sum);
          }
          sums[c][t] = even + odd;
        }
      }
      if constexpr (kLanes > kBatch) {
#pragma unroll
        for (int c = 0; c < kChannels; c++) {
#pragma unroll
          for (int t = 0; t < kBatch; t++) {
#pragma unroll
            for (int m = kBatch; m < kLanes; m *= 2) sums[c][t] += __shfl_xor_sync(kAll, sums[c][t], m);
          }
        }
      }
      constexpr int group = kLanes < kBatch ? kLanes : kBatch;
#pragma unroll
      for (int i = 0; i < owned; i++) {
        float result[kChannels];
#pragma unroll
        for (int c = 0; c < kChannels; c++) {
          const float sum = transposedSum<group>(sums[c] + i * group, part);
          result[c] = (sum + passed[i][c]) * gate[i][c];
        }
        if (part < kBatch && begin + first + i * kLanes + part < p.L) {
          storeFirst(out, result, ownChannels, p.alignedResults);
        }
        out += (kLanes < kBatch ? kLanes : kBatch) * static_cast<int64_t>(p.E);
      }
    }
  }
  if (blockIdx.z == gridDim.z - 1) storeStates(finalState, static_cast<int64_t>(b) * p.E);
}

template <int kLanes, int kStates, int kChannels, int kThreads, int kStages, int kBlocks, int kBatch,
          int kPolynomial = 0>
cudaError_t launchScanForward(ScanProblem p, const Call& call) {
  using P = ports::SelectiveScanForward;
  using Shape = ScanShape<kLanes, kStates, kChannels, kThreads>;
  const int64_t columns = ceilDiv(p.E, Shape::channels);
  float *const y = call.out(P::y), *const finalState = call.out(P::finalState);
  float* const chunkStates = call.out(P::chunkStates);
  p.alignedStates = p.alignedStates && isAligned16(finalState) && isAligned16(chunkStates);
  p.alignedResults = p.alignedResults && isAligned16(y);
  BMOJO_RETURN_IF(cutTime(p, columns * p.B, kBlocks));
  if (p.segments > 1) {
    // Segments' states go where the first chunk of the next keeps its own; what they decay by goes to y for a while.
    const ScanSummary summary = {chunkStates, y, p.tiles, p.segmentTiles, p.L, p.segmentTiles * kTile};
    BMOJO_RETURN_IF(summarizeSegments<false>(p, nullptr, p.initialState, summary, call.stream));
  }
  const dim3 grid(static_cast<unsigned>(columns), static_cast<unsigned>(p.B), static_cast<unsigned>(p.segments));
  return launch(scanForwardKernel<kLanes, kStates, kChannels, kThreads, kStages, kBlocks, kBatch, kPolynomial>, grid,
                kThreads, ScanForwardMemory<Shape, kStages, kBatch>::floats * sizeof(float), call.stream, p, y,
                finalState, chunkStates);
}

}  // namespace bmojo::cuda
