// Cotangents of scores, and sums of W over rows and columns, as the README names them.
#pragma once
#include "ssd-scan/tokens.cuh"

namespace bmojo::cuda {

// gradScores, parts of it over heads [parts, B, S, G, Q, Q], sums.rows and sums.columns. A block takes a block of pairs and some
// heads of a group.
template <Precision kPrecision>
__global__ void __launch_bounds__(kProductThreads, 3)
ssdPairGradientKernel(SsdProblem p, const float2* __restrict__ steps, const float* __restrict__ scores,
                      const float* __restrict__ gradY, float* __restrict__ gradScores, TokenSums tokenSums,
                      int headsOfPart) {
  BMOJO_SHARED(memory);
  float* const passing = memory + 2 * kTileFloats;
  const int perChunk = p.rowBlocks() * p.rowBlocks();
  const int firstRow = blockIdx.x % perChunk / p.rowBlocks() * kBlock, firstColumn = blockIdx.x % p.rowBlocks() * kBlock;
  if (firstColumn > firstRow) return;
  const int64_t index = blockIdx.x / perChunk % p.groups();
  const int group = index % p.G, part = static_cast<int>(blockIdx.x / perChunk / p.groups());
  const SsdChunk own(p, index / p.G);
  const TokenMemory tokens(memory + kProductFloats, p);
  const BlockThread thread;
  const float* const ownScores = scores + index * p.Q * p.Q;
  BlockSums sums = {};
  const int firstHead = group * p.headsOfGroup(), begin = firstHead + part * headsOfPart;
  const int end = min(firstHead + p.headsOfGroup(), begin + headsOfPart);
  for (int head = begin; head < end; head++) {
    tokens.load(steps, own.headAt(p, head));
    BlockSums pairs = {};
    multiplyBlocks<kPrecision>(pairs, along(own.inputs(p, head, gradY), firstRow),
                               along(own.inputs(p, head, p.x), firstColumn), 0, p.P, memory, thread);
    float rows[4] = {}, columns[4][2] = {};
    thread.forPairs(pairs, [&](int row, int column, int r, int n, float one, float other) {
      const int line = firstRow + row;
#pragma unroll
      for (int j = 0; j < 2; j++) {
        const int past = firstColumn + column + j;
        const float fade = past <= line ? ex2(tokens.decays[line] - tokens.decays[past]) : 0.0f;
        const float grad = (j == 0 ? one : other) * fade * tokens.stepSizes[past];
        sums[r / 2][n][r % 2 * 2 + j] += grad;
        // A token and itself see no decay.
        const float apart = past < line ? ownScores[line * p.Q + past] * grad : 0.0f;
        rows[r] += apart;
        columns[n][j] += apart;
      }
    });
    const float rowSum = thread.sumRows(rows, passing), columnSum = thread.sumColumns(columns, passing);
    if (threadIdx.x < kBlock) {
      const int64_t all = p.heads() * p.Q, at = own.headAt(p, head) * p.Q + threadIdx.x;
      tokenSums.rows[firstColumn / kBlock * all + at + firstRow] = rowSum;
      tokenSums.columns[firstRow / kBlock * all + at + firstColumn] = columnSum;
    }
  }
  float* const to = gradScores + (part * p.groups() + index) * p.Q * p.Q;
  thread.forPairs(sums, [&](int row, int column, int, int, float one, float other) {
    storePair(to + static_cast<int64_t>(firstRow + row) * p.Q, firstColumn + column, p.Q, true, one, other);
  });
}

}  // namespace bmojo::cuda
