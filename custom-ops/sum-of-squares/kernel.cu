// The sum of squares on CUDA: blocks sum strided elements, then their sums are added up in order.
#include "native/cuda/column-sums.cuh"
#include "native/cuda/elementwise.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

namespace {

constexpr int kShare = 4096;  // elements that are worth a block
constexpr int kMostBlocks = 512;

int blocksOf(int64_t n) {
  const int64_t blocks = ceilDiv(n, kShare);
  return static_cast<int>(blocks < kMostBlocks ? blocks : kMostBlocks);
}

__global__ void squaresKernel(const float* __restrict__ x, float* __restrict__ sums, int64_t n) {
  __shared__ float warps[kElementThreads / 32];
  float part = 0.0f;
  for (int64_t i = firstElement(); i < n; i += elementStride()) part += x[i] * x[i];
  part = warpSum(part);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = part;
  __syncthreads();
  if (threadIdx.x != 0) return;
  float total = 0.0f;
  for (int w = 0; w < kElementThreads / 32; w++) total += warps[w];
  sums[blockIdx.x] = total;
}

size_t workspace(const Call& call) {
  using S = ports::SumOfSquares::Scalar;
  return ceilDiv(blocksOf(call.integer(S::elements)) * sizeof(float), 16) * 16;
}

cudaError_t run(const Call& call) {
  using P = ports::SumOfSquares;
  using S = P::Scalar;
  const int64_t n = call.integer(S::elements);
  const int blocks = blocksOf(n);
  float* sums = static_cast<float*>(call.workspace);
  const cudaError_t status =
      launch(squaresKernel, dim3(blocks), kElementThreads, 0, call.stream, call.in(P::x), sums, n);
  if (status != cudaSuccess) return status;
  return columnSums(sums, call.out(P::y), blocks, 1, 1, call.stream);
}

}  // namespace

const Kernel sumOfSquares = {run, workspace};

}  // namespace bmojo::cuda
