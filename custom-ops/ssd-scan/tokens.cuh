// What tokens are to a head: step sizes and decays before the products, and the gradient of step sizes behind them. A block takes
// a head of a chunk, a thread a token.
#pragma once
#include "ssd-scan/problem.cuh"

namespace bmojo::cuda {

// A token's decay as a power of two is at least this: smaller ones are 0, and sums of them would lose what follows.
constexpr float kLeastDecay = -150.0f;

__device__ inline float rawStep(const SsdProblem& p, const SsdChunk& own, int head, int token) {
  const float bias = p.deltaBias ? p.deltaBias[head] : 0.0f;
  return p.delta[(own.first + min(token, own.tokens - 1)) * p.H + head] + bias;
}

__device__ inline float boundedStep(const SsdProblem& p, float free) {
  return free < p.least ? p.least : free > p.most ? p.most : free;
}

// The decay of one token as a power of two.
__device__ inline float ownDecay(float step, float rate) {
  const float own = step * rate * kLog2e;
  return own < kLeastDecay ? kLeastDecay : own;
}

// The sum of the values of threads up to this one, or from it on; all threads must come here.
template <bool kForward>
__device__ inline float runningSum(float value, float* run) {
  const int own = threadIdx.x, count = blockDim.x;
  float sum = value;
  for (int reach = 1; reach < count; reach *= 2) {
    run[own] = sum;
    __syncthreads();
    const int other = kForward ? own - reach : own + reach;
    if (other >= 0 && other < count) sum += run[other];
    __syncthreads();
  }
  return sum;
}

// Writes `steps` [B, S, H, Q]: the decay from the chunk's start through each token as a power of two, and its step size.
__global__ void ssdStepsKernel(SsdProblem p, float2* __restrict__ steps) {
  BMOJO_SHARED(run);
  const int head = blockIdx.x % p.H, t = threadIdx.x;
  const SsdChunk own(p, blockIdx.x / p.H);
  const float step = t < own.tokens ? boundedStep(p, softplus(rawStep(p, own, head, t))) : 0.0f;
  const float decay = runningSum<true>(ownDecay(step, p.A[head]), run);
  steps[own.headAt(p, head) * p.Q + t] = make_float2(decay, step);
}

// What the gradients of step sizes are made of.
struct TokenSums {
  // [B, S, H, Q]: x v, x u and x gradY of each token, as the README names them.
  float4* products;
  // Sums of W over rows [row blocks, B, S, H, Q] and columns; what each token reads of the state before the chunk [blocks of N, B,
  // S, H, Q]; what passes through the chunk [B, S, H].
  float *rows, *columns, *reads, *through;
};

// Writes gradDelta, and `headSums` [B, S, 3, H]: parts of the gradients of A, deltaBias and D.
__global__ void ssdStepGradientKernel(SsdProblem p, const float2* __restrict__ steps, TokenSums sums,
                                      float* __restrict__ gradDelta, float* __restrict__ headSums) {
  BMOJO_SHARED(run);
  const int head = blockIdx.x % p.H, t = threadIdx.x, block = t / kBlock;
  const SsdChunk own(p, blockIdx.x / p.H);
  const int64_t part = p.heads() * p.Q, at = own.headAt(p, head) * p.Q + t;
  const bool isToken = t < own.tokens;
  const float step = steps[at].y;
  const float4 products = sums.products[at];
  // Rows: pairs with earlier tokens, and the state before the chunk; behind them what passes through it.
  float later = 0.0f;
  for (int i = 0; i < p.rowBlocks(); i++) {
    if (i <= block) later += sums.rows[i * part + at];
    if (i >= block) later -= sums.columns[i * part + at];
  }
  for (int i = 0; i < p.stateBlocks(); i++) later += sums.reads[i * part + at];
  const float reached = step * products.x;
  const float before = runningSum<true>(reached, run) - reached;
  const float open = runningSum<false>(isToken ? later : 0.0f, run);
  const float gradLog = sums.through[own.headAt(p, head)] + before + open;
  float free, rootSlope;
  softplusRootSlope(rawStep(p, own, head, t), free, rootSlope);
  if (free < p.least || free > p.most) rootSlope = 0.0f;
  const float gradRaw = isToken ? (products.y + gradLog * p.A[head]) * rootSlope * rootSlope : 0.0f;
  if (isToken) gradDelta[(own.first + t) * p.H + head] = gradRaw;
  const float totalA = runningSum<false>(gradLog * step, run), totalBias = runningSum<false>(gradRaw, run);
  const float totalD = runningSum<false>(products.z, run);
  if (t != 0) return;
  float* const row = headSums + (static_cast<int64_t>(own.batch) * p.S + own.chunk) * 3 * p.H + head;
  row[0] = totalA, row[p.H] = totalBias, row[2 * p.H] = totalD;
}

}  // namespace bmojo::cuda
