// Gradients of B and C, which the heads of a group share.
#pragma once
#include "ssd-scan/tokens.cuh"

namespace bmojo::cuda {

// gradC (kReads) or gradB, parts of it over heads [parts, B, L, G, N]; for gradC also sums.reads. A block takes a block of tokens
// and states and some of the heads. `inputs` is gradY or x, `states` are chunkStates or their cotangents.
template <Precision kPrecision, bool kReads>
__global__ void __launch_bounds__(kProductThreads, 3)
ssdSharedGradientKernel(SsdProblem p, const float2* __restrict__ steps, const float* __restrict__ inputs,
                        const float* __restrict__ states, const float* __restrict__ gradScores, float* __restrict__ to,
                        TokenSums tokenSums, int headsOfPart) {
  BMOJO_SHARED(memory);
  float* const passing = memory + 2 * kTileFloats;
  const int perChunk = p.rowBlocks() * p.stateBlocks();
  const int firstRow = blockIdx.x % perChunk / p.stateBlocks() * kBlock;
  const int firstColumn = blockIdx.x % p.stateBlocks() * kBlock;
  const int64_t index = blockIdx.x / perChunk % p.groups();
  const int group = index % p.G, part = static_cast<int>(blockIdx.x / perChunk / p.groups());
  const SsdChunk own(p, index / p.G);
  const TokenMemory tokens(memory + kProductFloats, p);
  const BlockThread thread;
  const Rows writes = own.shared(p, group, p.writes), reads = own.shared(p, group, p.reads);
  const Rows weights = own.scores(p, group, gradScores);
  BlockSums sums = {};
  const int firstHead = group * p.headsOfGroup(), begin = firstHead + part * headsOfPart;
  const int end = min(firstHead + p.headsOfGroup(), begin + headsOfPart);
  for (int head = begin; head < end; head++) {
    tokens.load(steps, own.headAt(p, head));
    const Rows ofHead = own.inputs(p, head, inputs);
    const auto state = across(own.states(p, head, states), firstColumn);
    if constexpr (kReads) {
      // What a head's tokens read of the state is needed by itself: its product with C is what their decays are worth.
      BlockSums read = {};
      multiplyBlocks<kPrecision>(read, along(ofHead, firstRow), state, 0, p.P, memory, thread);
      float rows[4] = {};
      thread.forPairs(read, [&](int row, int column, int r, int n, float one, float other) {
        const float fade = tokens.fromStart(firstRow + row);
        const float2 own = reads.pair(firstRow + row, firstColumn + column);
        sums[r / 2][n][r % 2 * 2] += fade * one;
        sums[r / 2][n][r % 2 * 2 + 1] += fade * other;
        rows[r] += fade * (one * own.x + other * own.y);
      });
      const float rowSum = thread.sumRows(rows, passing);
      if (threadIdx.x < kBlock) {
        const int64_t at = own.headAt(p, head) * p.Q + firstRow + threadIdx.x;
        tokenSums.reads[firstColumn / kBlock * p.heads() * p.Q + at] = rowSum;
      }
    } else {
      const auto untilEnd = [=](int line, int) { return tokens.untilEnd(line) * tokens.stepSizes[line]; };
      multiplyBlocks<kPrecision>(sums, along(ofHead, firstRow, untilEnd), state, 0, p.P, memory, thread);
    }
  }
  if (part == 0) {
    if constexpr (kReads) {
      multiplyBlocks<kPrecision>(sums, along(weights, firstRow), across(writes, firstColumn), 0,
                                 min(own.tokens, firstRow + kBlock), memory, thread);
    } else {
      multiplyBlocks<kPrecision>(sums, across(weights, firstRow), across(reads, firstColumn), firstRow, own.tokens, memory,
                                 thread);
    }
  }
  float* const rows = to + static_cast<int64_t>(part) * p.B * p.L * p.G * p.N;
  thread.forPairs(sums, [&](int row, int column, int, int, float one, float other) {
    const int token = firstRow + row;
    if (token >= own.tokens) return;
    storePair(rows + own.sharedAt(p, group, token), firstColumn + column, p.N, p.wideStates, one, other);
  });
}

}  // namespace bmojo::cuda
