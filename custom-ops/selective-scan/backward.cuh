// The scan backwards: tiles of time from the last to the first (backward-load.cuh), each from its saved state. A tile is a
// chunk: forward over its first half from the saved state to the state between the halves; then the halves backwards, each
// first forward with states and decays in registers (backward-walk.cuh), so that a tile takes one and a half times the
// forward's exponentials. What comes out is added up and stored by backward-sums.cuh.
#pragma once
#include "selective-scan/backward-walk.cuh"

namespace bmojo::cuda {

template <int kLanes, int kChannels, int kThreads, int kStages, int kBlocks>
__global__ void __launch_bounds__(kThreads, kBlocks)
scanBackwardKernel(ScanProblem p, ScanCotangents in, ScanGradients grads) {
  using Layout = BackwardLayout<kLanes, kChannels, kThreads, kStages>;
  using Walk = BackwardWalk<Layout>;
  constexpr int group = Walk::group;
  BMOJO_SHARED(memory);
  const BackwardLane<Layout> at(p);
  const int firstTile = at.segment * p.segmentTiles, lastTile = min(firstTile + p.segmentTiles, p.tiles);

  Walk walk;
  BackwardOwned<Layout> owned(p, at);
  at.loadStates(walk.rate, p, p.A, 0);
#pragma unroll
  for (int c = 0; c < kChannels; c++) {
#pragma unroll
    for (int k = 0; k < kStates; k++) walk.rate[c][k] *= kLog2e;
  }
  if (at.segment == p.segments - 1) {
    at.loadStates(walk.gradState, p, in.gradFinalState, at.b);
  } else {
    at.loadStates(walk.gradState, p, grads.segmentEnds, at.segmentRow);
  }

  BackwardTiles<Layout> tiles(p, in, memory, at.b, firstTile, lastTile);
  const auto loadChunkState = [&](typename Walk::States& to, int chunk) {
    at.loadStates(to, p, in.chunkStates, static_cast<int64_t>(at.b) * p.tiles + max(chunk, 0));
  };
  typename Walk::States start;
  loadChunkState(start, lastTile - 1);
  for (int visit = 0; visit < kStages - 1; visit++) tiles.load(visit);
  for (int visit = 0; visit < tiles.visits; visit++) {
    copyWait<kStages - 2>();
    __syncthreads();
    tiles.load(visit + kStages - 1);
    const int begin = (lastTile - 1 - visit) * kTile;
    const BackwardTile<Layout> tile(tiles, at, visit, begin);
    if (visit > 0) storeHalfSums<Layout>(p, grads, memory, 0, begin + kTile);
    tile.prepare(p, owned.bias, at.part);
    __syncwarp();

    typename Walk::States middle;
#pragma unroll
    for (int c = 0; c < kChannels; c++) {
#pragma unroll
      for (int k = 0; k < kStates; k++) middle[c][k] = start[c][k];
    }
    walk.carry(middle, tile, 0);
#pragma unroll 1
    for (int half = kTile - kHalf; half >= 0; half -= kHalf) {
      typename Walk::States before[kHalf + 1], decay[kHalf];
#pragma unroll
      for (int c = 0; c < kChannels; c++) {
#pragma unroll
        for (int k = 0; k < kStates; k++) before[0][c][k] = half == 0 ? start[c][k] : middle[c][k];
      }
      if (half == 0) {
        __syncthreads();
        storeHalfSums<Layout>(p, grads, memory, kHalf, begin + kHalf);
        loadChunkState(start, lastTile - 2 - visit);
      }
      float* const sums = memory + Layout::sums + half / kHalf * Layout::halfSums + at.warp * kHalf * Layout::tokenSums;
      walk.recompute(before, decay, tile, half);
#pragma unroll
      for (int i = kHalf / group - 1; i >= 0; i--) {
        typename Walk::Sums gradSteps, gradInputs, outputs;
#pragma unroll
        for (int j = group - 1; j >= 0; j--) {
          walk.back(tile, at, half, i * group + j, j, before, decay, gradSteps, gradInputs, outputs, sums);
        }
        Walk::sumLanes(gradSteps, gradInputs, outputs);
        float rateSum[kChannels], gradInput[kChannels], output[kChannels];
#pragma unroll
        for (int c = 0; c < kChannels; c++) {
          rateSum[c] = transposedSum<group>(gradSteps[c], at.part);
          gradInput[c] = transposedSum<group>(gradInputs[c], at.part);
          output[c] = transposedSum<group>(outputs[c], at.part);
        }
        const int t = half + i * group + at.part;
        if (at.part >= kHalf || begin + t >= p.L || at.ownChannels <= 0) continue;
        owned.store(p, grads, tile, at, t, rateSum, gradInput, output);
      }
    }
  }
  __syncthreads();
  storeHalfSums<Layout>(p, grads, memory, 0, firstTile * kTile);
  if (at.segment == 0 && grads.initialState) at.storeStates(grads.initialState, p, walk.gradState, at.b);
  at.storeStates(grads.A, p, walk.gradRate, at.segmentRow);
  owned.storeSums(p, grads, at);
}

template <int kLanes, int kChannels, int kThreads, int kStages, int kBlocks>
cudaError_t launchScanBackward(const ScanProblem& p, const Call& call, const ScanCotangents& in,
                               const ScanGradients& grads) {
  using P = ports::SelectiveScanBackward;
  using Layout = BackwardLayout<kLanes, kChannels, kThreads, kStages>;
  const int blocks = static_cast<int>(ceilDiv(p.E, Layout::Shape::channels));
  if (p.segments > 1) {
    const ScanSummary summary = {grads.segmentEnds, grads.stepSums, p.segments, 1, p.segments, 1};
    BMOJO_RETURN_IF(summarizeSegments<true>(p, in.gradY, in.gradFinalState, summary, call.stream));
  }
  const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(p.B), static_cast<unsigned>(p.segments));
  BMOJO_RETURN_IF(launch(scanBackwardKernel<kLanes, kChannels, kThreads, kStages, kBlocks>, grid, kThreads,
                         Layout::floats * sizeof(float), call.stream, p, in, grads));
  const int64_t rows = static_cast<int64_t>(p.B) * p.L;
  return launch(scanStateGradientsKernel, dim3(static_cast<unsigned>(ceilDiv(rows * Layout::tokenSums, 256))), 256, 0,
                call.stream, static_cast<const float*>(grads.states), call.out(P::gradB), call.out(P::gradC), rows,
                blocks, Layout::width, p.N);
}

}  // namespace bmojo::cuda
