// Scores of groups, and outputs: the last forward pass.
#pragma once
#include "ssd-scan/problem.cuh"

namespace bmojo::cuda {

// scores [B, S, G, Q, Q] = C B^T, in blocks that are not wholly above the diagonal; in float32 always, since the heads of a group
// share them: they are few, and would be rounded twice.
__global__ void __launch_bounds__(kProductThreads, 3)
ssdScoresKernel(SsdProblem p, float* __restrict__ scores) {
  BMOJO_SHARED(memory);
  const int perGroup = p.rowBlocks() * p.rowBlocks();
  const int firstRow = blockIdx.x % perGroup / p.rowBlocks() * kBlock, firstColumn = blockIdx.x % p.rowBlocks() * kBlock;
  if (firstColumn > firstRow) return;
  const int64_t index = blockIdx.x / perGroup;
  const int group = index % p.G;
  const SsdChunk own(p, index / p.G);
  const BlockThread thread;
  BlockSums sums = {};
  multiplyBlocks<Precision::kFloat32>(sums, along(own.shared(p, group, p.reads), firstRow),
                                      along(own.shared(p, group, p.writes), firstColumn), 0, p.N, memory, thread);
  float* const to = scores + index * p.Q * p.Q;
  thread.forPairs(sums, [&](int row, int column, int, int, float one, float other) {
    storePair(to + static_cast<int64_t>(firstRow + row) * p.Q, firstColumn + column, p.Q, true, one, other);
  });
}

// y = (scores times decays and steps) x + (C times decays) chunkStates^T + D x.
template <Precision kPrecision>
__global__ void __launch_bounds__(kProductThreads, 3)
ssdOutputsKernel(SsdProblem p, const float2* __restrict__ steps, const float* __restrict__ scores,
                 const float* __restrict__ chunkStates, float* __restrict__ y) {
  BMOJO_SHARED(memory);
  const int perHead = p.rowBlocks() * p.inputBlocks();
  const int64_t index = blockIdx.x / perHead;
  const int head = index % p.H, group = head / p.headsOfGroup();
  const int firstRow = blockIdx.x % perHead / p.inputBlocks() * kBlock;
  const int firstColumn = blockIdx.x % p.inputBlocks() * kBlock;
  const SsdChunk own(p, index / p.H);
  if (firstRow >= own.tokens) return;
  const TokenMemory tokens(memory + kProductFloats, p);
  tokens.load(steps, index);
  const BlockThread thread;
  BlockSums sums = {};
  const Rows inputs = own.inputs(p, head, p.x);
  const auto kept = [=](int line, int quad) { return scaled(tokens.fades(line, quad), tokens.steps(quad)); };
  const auto fromStart = [=](int line, int) { return tokens.fromStart(line); };
  multiplyBlocks<kPrecision>(sums, along(own.scores(p, group, scores), firstRow, kept), across(inputs, firstColumn), 0,
                             min(own.tokens, firstRow + kBlock), memory, thread);
  multiplyBlocks<kPrecision>(sums, along(own.shared(p, group, p.reads), firstRow, fromStart),
                             along(own.states(p, head, chunkStates), firstColumn), 0, p.N, memory, thread);
  const float skip = p.D ? p.D[head] : 0.0f;
  thread.forPairs(sums, [&](int row, int column, int, int, float one, float other) {
    const int token = firstRow + row;
    if (token >= own.tokens) return;
    const float2 input = p.D ? inputs.pair(token, firstColumn + column) : make_float2(0.0f, 0.0f);
    storePair(y + own.inputAt(p, head, token), firstColumn + column, p.P, p.wideInputs, fmaf(skip, input.x, one),
              fmaf(skip, input.y, other));
  });
}

}  // namespace bmojo::cuda
