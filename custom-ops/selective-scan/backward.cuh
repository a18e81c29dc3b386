// Tiles of time from the last to the first, each from its saved state. A tile is a chunk: forward over its first half from
// the saved state to the state between the halves; then the halves backwards, each first forward with states and decays in
// registers, so that a tile takes one and a half times the forward's exponentials.
//
// gradB and gradC are sums over channels: a lane adds up its own channels, a warp its lanes with shuffles, a block its
// warps, and a second kernel the blocks. So that a lane always keeps its even registers and sends its odd ones, register k
// of the lanes' group c holds state k ^ (c mod 4).
#pragma once
#include "selective-scan/segments.cuh"

namespace bmojo::cuda {

constexpr int kHalf = 8;
// States a lane.
constexpr int kStates = 4;

struct ScanCotangents {
  const float *chunkStates, *gradY, *gradFinalState;
};

struct ScanGradients {
  float *u, *delta, *z, *initialState;
  // Partial sums: rates [B, segments, E, N], states [blocks of channels, B, L, 2, width], skip and bias [B, segments, E].
  float *A, *states, *D, *deltaBias;
  // Cotangents of the states behind each segment [B, segments, E, N], sums of step sizes [B, segments, E].
  float *segmentEnds, *stepSums;
};

template <class Shape, int kStages>
struct ScanBackwardMemory {
  static constexpr int versions = Shape::width <= 32 ? 4 : Shape::width == 64 ? 2 : 1;
  static constexpr int warps = Shape::threads / kWarp;
  static constexpr int channelTile = kTile * Shape::row;
  static constexpr int stateTile = kTile * versions * Shape::width;
  static constexpr int stage = 4 * channelTile + 2 * stateTile;
  // For each token of a tile and channel: step size and step size * u; d loss / d (y before the gate).
  static constexpr int pairs = kStages * stage;
  static constexpr int pairRow = 2 * (Shape::row - Shape::pad) + Shape::pad;
  static constexpr int gates = pairs + kTile * pairRow;
  // The warps' sums for gradB and gradC of a half tile, one block of memory for either half: while one is filled, the
  // other is added up.
  static constexpr int sums = gates + kTile * Shape::row;
  static constexpr int halfSums = warps * kHalf * 2 * Shape::width;
  static constexpr int floats = sums + 2 * halfSums;
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

template <int kLanes, int kChannels, int kThreads, int kStages, int kBlocks>
__global__ void __launch_bounds__(kThreads, kBlocks)
scanBackwardKernel(ScanProblem p, ScanCotangents in, ScanGradients grads) {
  using Shape = ScanShape<kLanes, kStates, kChannels, kThreads>;
  using Memory = ScanBackwardMemory<Shape, kStages>;
  constexpr int versions = Memory::versions, width = Shape::width;
  constexpr int owned = Shape::owned(kTile);
  // Tokens that are summed over a channel's lanes at once.
  constexpr int group = kLanes < kHalf ? kLanes : kHalf;
  BMOJO_SHARED(memory);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const int part = threadIdx.x % kLanes, channel = threadIdx.x / kLanes * kChannels;
  const int version = threadIdx.x / kLanes % versions;
  const int firstChannel = blockIdx.x * Shape::channels, e = firstChannel + channel, b = blockIdx.y;
  const int ownChannels = p.E - e, firstState = part * kStates, ownStates = p.N - firstState;
  const int segment = blockIdx.z;
  const int firstTile = segment * p.segmentTiles, lastTile = min(firstTile + p.segmentTiles, p.tiles);
  const int visits = lastTile - firstTile;
  const int64_t ownRow = static_cast<int64_t>(b) * p.segments + segment;

  // Row `row` of [rows, E, N].
  const auto loadStates = [&](float (&to)[kChannels][kStates], const float* from, int64_t row) {
#pragma unroll
    for (int c = 0; c < kChannels; c++) {
#pragma unroll
      for (int k = 0; k < kStates; k++) {
        const int n = k ^ version;
        to[c][k] = from && c < ownChannels && n < ownStates ? from[(row * p.E + e + c) * p.N + firstState + n] : 0.0f;
      }
    }
  };
  const auto storeStates = [&](float* to, const float (&from)[kChannels][kStates], int64_t row) {
#pragma unroll
    for (int c = 0; c < kChannels; c++) {
#pragma unroll
      for (int k = 0; k < kStates; k++) {
        const int n = k ^ version;
        if (c < ownChannels && n < ownStates) to[(row * p.E + e + c) * p.N + firstState + n] = from[c][k];
      }
    }
  };

  float rate[kChannels][kStates], gradState[kChannels][kStates], gradRate[kChannels][kStates] = {};
  float bias[kChannels], skip[kChannels], gradSkip[kChannels] = {}, gradBias[kChannels] = {};
  loadStates(rate, p.A, 0);
#pragma unroll
  for (int c = 0; c < kChannels; c++) {
#pragma unroll
    for (int k = 0; k < kStates; k++) rate[c][k] *= kLog2e;
    bias[c] = c < ownChannels && p.deltaBias ? p.deltaBias[e + c] : 0.0f;
    skip[c] = c < ownChannels && p.D ? p.D[e + c] : 0.0f;
  }
  if (segment == p.segments - 1) {
    loadStates(gradState, in.gradFinalState, b);
  } else {
    loadStates(gradState, grads.segmentEnds, ownRow);
  }

  // Visit v works on tile lastTile - 1 - v.
  TileCursor<Shape, versions> cursor(p, b, lastTile - 1, -1, firstChannel);
  const auto load = [&](int visit) {
    if (visit < visits) {
      float* stage = memory + visit % kStages * Memory::stage;
      cursor.copyChannels(stage, p.u, p);
      cursor.copyChannels(stage + Memory::channelTile, p.delta, p);
      cursor.copyChannels(stage + 2 * Memory::channelTile, p.z, p);
      cursor.copyChannels(stage + 3 * Memory::channelTile, in.gradY, p);
      cursor.copyStates(stage + 4 * Memory::channelTile, p.writes, p);
      cursor.copyStates(stage + 4 * Memory::channelTile + Memory::stateTile, p.reads, p);
      cursor.advance();
    }
    copyCommit();
  };
  const auto loadChunkState = [&](float (&to)[kChannels][kStates], int chunk) {
    loadStates(to, in.chunkStates, static_cast<int64_t>(b) * p.tiles + max(chunk, 0));
  };

  float* const pairs = memory + Memory::pairs + 2 * channel;
  float* const gates = memory + Memory::gates + channel;
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

  float start[kChannels][kStates];
  loadChunkState(start, lastTile - 1);
  for (int visit = 0; visit < kStages - 1; visit++) load(visit);
  for (int visit = 0; visit < visits; visit++) {
    copyWait<kStages - 2>();
    __syncthreads();
    load(visit + kStages - 1);
    float* const stage = memory + visit % kStages * Memory::stage + channel;
    const float* const writes = memory + visit % kStages * Memory::stage + 4 * Memory::channelTile + version * width + firstState;
    const float* const reads = writes + Memory::stateTile;
    const int begin = (lastTile - 1 - visit) * kTile;
    if (visit > 0) storeSums(0, begin + kTile);

#pragma unroll
    for (int i = 0; i < owned; i++) {
      const int t = i * kLanes + part;
      if (kLanes > kTile && t >= kTile) break;
      float* const at = stage + t * Shape::row;
      const bool valid = begin + t < p.L;
      float input[kChannels], raw[kChannels], gradSum[kChannels], z[kChannels], pair[2 * kChannels];
      loadRun(input, at);
      loadRun(raw, at + Memory::channelTile);
      loadRun(gradSum, at + 3 * Memory::channelTile);
      loadRun(z, at + 2 * Memory::channelTile);
#pragma unroll
      for (int c = 0; c < kChannels; c++) {
        raw[c] += bias[c];
        float step, slope;
        softplusSlope(raw[c], step, slope);
        step = computed(step), slope = computed(slope);
        if (!p.softplus) step = raw[c];
        if (!valid) step = 0.0f;
        raw[c] = p.softplus ? slope : 1.0f;
        pair[2 * c] = step, pair[2 * c + 1] = step * input[c];
        const float gate = sigmoid(z[c]), product = gradSum[c] * gate, gated = computed(product * z[c]);
        gradSum[c] = p.z ? gated : gradSum[c];
        z[c] = fmaf(gated, 1.0f - gate, product);
      }
      // In the place of delta: the slope of the step size.
      storeRun(at + Memory::channelTile, raw);
      storeRun(pairs + t * Memory::pairRow, pair);
      // In the place of z: what its gradient multiplies y before the gate by.
      storeRun(at + 2 * Memory::channelTile, z);
      storeRun(gates + t * Shape::row, gradSum);
    }
    __syncwarp();

    float middle[kChannels][kStates];
#pragma unroll
    for (int c = 0; c < kChannels; c++) {
#pragma unroll
      for (int k = 0; k < kStates; k++) middle[c][k] = start[c][k];
    }
#pragma unroll
    for (int t = 0; t < kHalf; t++) {
      float pair[2 * kChannels], w[kStates];
      loadRun(pair, pairs + t * Memory::pairRow);
      loadRun(w, writes + t * versions * width);
#pragma unroll
      for (int c = 0; c < kChannels; c++) {
#pragma unroll
        for (int k = 0; k < kStates; k++) {
          middle[c][k] = fmaf(ex2(pair[2 * c] * rate[c][k]), middle[c][k], pair[2 * c + 1] * w[k]);
        }
      }
    }

#pragma unroll 1
    for (int half = kTile - kHalf; half >= 0; half -= kHalf) {
      float before[kHalf + 1][kChannels][kStates], decay[kHalf][kChannels][kStates];
#pragma unroll
      for (int c = 0; c < kChannels; c++) {
#pragma unroll
        for (int k = 0; k < kStates; k++) before[0][c][k] = half == 0 ? start[c][k] : middle[c][k];
      }
      if (half == 0) {
        __syncthreads();
        storeSums(kHalf, begin + kHalf);
        loadChunkState(start, lastTile - 2 - visit);
      }
      float* const sums = memory + Memory::sums + half / kHalf * Memory::halfSums + warp * kHalf * 2 * width;
#pragma unroll
      for (int t = 0; t < kHalf; t++) {
        float pair[2 * kChannels], w[kStates];
        loadRun(pair, pairs + (half + t) * Memory::pairRow);
        loadRun(w, writes + (half + t) * versions * width);
#pragma unroll
        for (int c = 0; c < kChannels; c++) {
#pragma unroll
          for (int k = 0; k < kStates; k++) {
            decay[t][c][k] = ex2(pair[2 * c] * rate[c][k]);
            before[t + 1][c][k] = fmaf(decay[t][c][k], before[t][c][k], pair[2 * c + 1] * w[k]);
          }
        }
      }
#pragma unroll
      for (int i = kHalf / group - 1; i >= 0; i--) {
        float gradSteps[kChannels][group], gradInputs[kChannels][group], outputs[kChannels][group];
#pragma unroll
        for (int j = group - 1; j >= 0; j--) {
          const int t = i * group + j;
          float pair[2 * kChannels], gradSum[kChannels], w[kStates], r[kStates], gradB[kStates], gradC[kStates];
          loadRun(pair, pairs + (half + t) * Memory::pairRow);
          loadRun(gradSum, gates + (half + t) * Shape::row);
          loadRun(w, writes + (half + t) * versions * width);
          loadRun(r, reads + (half + t) * versions * width);
#pragma unroll
          for (int c = 0; c < kChannels; c++) {
            const float step = pair[2 * c], written = pair[2 * c + 1];
            float stepSum = 0.0f, inputSum = 0.0f, output = 0.0f;
#pragma unroll
            for (int k = 0; k < kStates; k++) {
              const float h = before[t + 1][c][k], g = fmaf(gradSum[c], r[k], gradState[c][k]);
              gradState[c][k] = g * decay[t][c][k];
              const float gradDecay = gradState[c][k] * before[t][c][k];
              gradRate[c][k] = fmaf(gradDecay, step, gradRate[c][k]);
              gradB[k] = c == 0 ? g * written : fmaf(g, written, gradB[k]);
              gradC[k] = c == 0 ? gradSum[c] * h : fmaf(gradSum[c], h, gradC[k]);
              stepSum = k == 0 ? gradDecay * rate[c][k] : fmaf(gradDecay, rate[c][k], stepSum);
              inputSum = k == 0 ? g * w[k] : fmaf(g, w[k], inputSum);
              output = k == 0 ? h * r[k] : fmaf(h, r[k], output);
            }
            gradSteps[c][j] = stepSum, gradInputs[c][j] = inputSum, outputs[c][j] = output;
          }
          sumChannels<kLanes>(gradB, gradC, lane);
          storeChannelSums<kLanes>(sums + t * 2 * width, gradB, gradC, firstState, version, lane);
        }
#pragma unroll
        for (int m = group; m < kLanes; m *= 2) {
#pragma unroll
          for (int c = 0; c < kChannels; c++) {
#pragma unroll
            for (int j = 0; j < group; j++) {
              gradSteps[c][j] += __shfl_xor_sync(kAll, gradSteps[c][j], m);
              gradInputs[c][j] += __shfl_xor_sync(kAll, gradInputs[c][j], m);
              outputs[c][j] += __shfl_xor_sync(kAll, outputs[c][j], m);
            }
          }
        }
        float rateSum[kChannels], gradInput[kChannels], output[kChannels];
#pragma unroll
        for (int c = 0; c < kChannels; c++) {
          rateSum[c] = transposedSum<group>(gradSteps[c], part);
          gradInput[c] = transposedSum<group>(gradInputs[c], part);
          output[c] = transposedSum<group>(outputs[c], part);
        }
        const int t = i * group + part;
        if (part >= kHalf || begin + half + t >= p.L || ownChannels <= 0) continue;
        const float* const at = stage + (half + t) * Shape::row;
        float input[kChannels], slope[kChannels], gradSum[kChannels], pair[2 * kChannels], gradU[kChannels];
        loadRun(input, at);
        loadRun(slope, at + Memory::channelTile);
        loadRun(gradSum, gates + (half + t) * Shape::row);
        loadRun(pair, pairs + (half + t) * Memory::pairRow);
#pragma unroll
        for (int c = 0; c < kChannels; c++) {
          slope[c] *= fmaf(rateSum[c], kLn2, gradInput[c] * input[c]);
          gradU[c] = fmaf(gradSum[c], skip[c], gradInput[c] * pair[2 * c]);
          gradBias[c] += slope[c];
          gradSkip[c] = fmaf(gradSum[c], input[c], gradSkip[c]);
        }
        const int64_t out = (static_cast<int64_t>(b) * p.L + begin + half + t) * p.E + e;
        storeFirst(grads.delta + out, slope, ownChannels, p.alignedResults);
        storeFirst(grads.u + out, gradU, ownChannels, p.alignedResults);
        if (p.z) {
          float gradZ[kChannels];
          loadRun(gradZ, at + 2 * Memory::channelTile);
#pragma unroll
          for (int c = 0; c < kChannels; c++) gradZ[c] *= fmaf(skip[c], input[c], output[c]);
          storeFirst(grads.z + out, gradZ, ownChannels, p.alignedResults);
        }
      }
    }
  }
  __syncthreads();
  storeSums(0, firstTile * kTile);
  if (segment == 0 && grads.initialState) storeStates(grads.initialState, gradState, b);
  storeStates(grads.A, gradRate, ownRow);
#pragma unroll
  for (int c = 0; c < kChannels; c++) {
#pragma unroll
    for (int m = 1; m < kLanes; m *= 2) {
      gradSkip[c] += __shfl_xor_sync(kAll, gradSkip[c], m);
      gradBias[c] += __shfl_xor_sync(kAll, gradBias[c], m);
    }
    if (c >= ownChannels || part != 0) continue;
    grads.D[ownRow * p.E + e + c] = gradSkip[c];
    grads.deltaBias[ownRow * p.E + e + c] = gradBias[c];
  }
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

template <int kLanes, int kChannels, int kThreads, int kStages, int kBlocks>
cudaError_t launchScanBackward(const ScanProblem& p, const Call& call, const ScanCotangents& in,
                               const ScanGradients& grads) {
  using P = ports::SelectiveScanBackward;
  using Shape = ScanShape<kLanes, kStates, kChannels, kThreads>;
  const int blocks = static_cast<int>(ceilDiv(p.E, Shape::channels));
  if (p.segments > 1) {
    const ScanSummary summary = {grads.segmentEnds, grads.stepSums, p.segments, 1, p.segments, 1};
    BMOJO_RETURN_IF(summarizeSegments<true>(p, in.gradY, in.gradFinalState, summary, call.stream));
  }
  const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(p.B), static_cast<unsigned>(p.segments));
  BMOJO_RETURN_IF(launch(scanBackwardKernel<kLanes, kChannels, kThreads, kStages, kBlocks>, grid, kThreads,
                         ScanBackwardMemory<Shape, kStages>::floats * sizeof(float), call.stream, p, in, grads));
  const int64_t rows = static_cast<int64_t>(p.B) * p.L;
  return launch(scanStateGradientsKernel, dim3(static_cast<unsigned>(ceilDiv(rows * 2 * Shape::width, 256))), 256, 0,
                call.stream, static_cast<const float*>(grads.states), call.out(P::gradB), call.out(P::gradC), rows,
                blocks, Shape::width, p.N);
}

}  // namespace bmojo::cuda
