// Gradients of x, and what token t contributes to those of its step size and of D.
#pragma once
#include "ssd-scan/tokens.cuh"

namespace bmojo::cuda {

// gradX and sums.products. A block takes all of P for its rows of tokens.
template <Precision kPrecision>
__global__ void __launch_bounds__(kProductThreads, 3)
ssdInputGradientKernel(SsdProblem p, const float2* __restrict__ steps, const float* __restrict__ scores,
                       const float* __restrict__ gradStates, const float* __restrict__ gradY, float* __restrict__ gradX,
                       TokenSums tokenSums) {
  BMOJO_SHARED(memory);
  float* const passing = memory + 2 * kTileFloats;
  const int64_t index = blockIdx.x / p.rowBlocks();
  const int head = index % p.H, group = head / p.headsOfGroup(), firstRow = blockIdx.x % p.rowBlocks() * kBlock;
  const SsdChunk own(p, index / p.H);
  const TokenMemory tokens(memory + kProductFloats, p);
  tokens.load(steps, index);
  const BlockThread thread;
  const Rows inputs = own.inputs(p, head, p.x), cotangents = own.inputs(p, head, gradY);
  const auto untilEnd = [=](int line, int) { return tokens.untilEnd(line); };
  const auto fades = [=](int line, int quad) { return tokens.fades(line, quad); };
  const float skip = p.D ? p.D[head] : 0.0f;
  float reached[4] = {}, written[4] = {}, skipped[4] = {};
  for (int firstColumn = 0; firstColumn < p.P; firstColumn += kBlock) {
    BlockSums sums = {};
    multiplyBlocks<kPrecision>(sums, along(own.shared(p, group, p.writes), firstRow, untilEnd),
                               along(own.states(p, head, gradStates), firstColumn), 0, p.N, memory, thread);
    // What comes by way of the state behind the chunk is needed by itself: decays of later tokens scale it.
    thread.forPairs(sums, [&](int row, int column, int r, int, float one, float other) {
      if (firstRow + row >= own.tokens) return;
      const float2 input = inputs.pair(firstRow + row, firstColumn + column);
      reached[r] += input.x * one + input.y * other;
    });
    multiplyBlocks<kPrecision>(sums, across(own.scores(p, group, scores), firstRow, fades), across(cotangents, firstColumn),
                               firstRow, own.tokens, memory, thread);
    thread.forPairs(sums, [&](int row, int column, int r, int, float one, float other) {
      const int token = firstRow + row;
      if (token >= own.tokens) return;
      const float2 input = inputs.pair(token, firstColumn + column), cotangent = cotangents.pair(token, firstColumn + column);
      written[r] += input.x * one + input.y * other;
      skipped[r] += input.x * cotangent.x + input.y * cotangent.y;
      const float step = tokens.stepSizes[token];
      storePair(gradX + own.inputAt(p, head, token), firstColumn + column, p.P, p.wideInputs,
                fmaf(step, one, skip * cotangent.x), fmaf(step, other, skip * cotangent.y));
    });
  }
  const float x = thread.sumRows(reached, passing), y = thread.sumRows(written, passing);
  const float z = thread.sumRows(skipped, passing);
  if (threadIdx.x < kBlock) {
    tokenSums.products[index * p.Q + firstRow + threadIdx.x] = make_float4(x, y, z, 0.0f);
  }
}

}  // namespace bmojo::cuda
