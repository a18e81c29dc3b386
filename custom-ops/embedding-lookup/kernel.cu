// Rows of a table by index on CUDA. Backward, a warp owns a row of the table and adds its tokens in their order: no
// atomics, the same sums every time.
#include "native/cuda/elementwise.cuh"
#include "native/cuda/kernels.h"

namespace bmojo::cuda {

namespace {

// A negative index gives NaN.
template <int kWidth>
__global__ void forwardKernel(const float* __restrict__ table, const int32_t* __restrict__ ids, float* __restrict__ y,
                              int64_t packs, int D) {
  const int packsOfRow = D / kWidth;
  for (int64_t i = firstElement(); i < packs; i += elementStride()) {
    const int id = ids[i / packsOfRow];
    Pack<kWidth> row;
#pragma unroll
    for (int k = 0; k < kWidth; k++) row.x[k] = NAN;
    if (id >= 0) row = loadPack<kWidth>(table + static_cast<int64_t>(id) * D + i % packsOfRow * kWidth);
    storePack<kWidth>(y + i * kWidth, row);
  }
}

constexpr int kWarps = 8;
// Channels of a lane: 32 apart.
constexpr int kChannels = 4;
constexpr int kIds = 1024;

__global__ void __launch_bounds__(kWarps * kWarp)
backwardKernel(const int32_t* __restrict__ ids, const float* __restrict__ gradY, float* __restrict__ gradTable,
               int tokens, int V, int D) {
  __shared__ int tile[kIds];
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const int64_t own = static_cast<int64_t>(blockIdx.x) * kWarps + warp;
  const int firstChannel = static_cast<int>(blockIdx.y) * kWarp * kChannels + lane;
  float sums[kChannels] = {};
  for (int begin = 0; begin < tokens; begin += kIds) {
    const int count = min(kIds, tokens - begin);
    __syncthreads();
    for (int i = threadIdx.x; i < count; i += kWarps * kWarp) tile[i] = ids[begin + i];
    __syncthreads();
    for (int at = 0; at < count; at += kWarp) {
      unsigned matches = __ballot_sync(kAll, at + lane < count && tile[at + lane] == own);
      while (matches != 0) {
        // Two tokens at a time: their loads do not wait for each other.
        const int first = __ffs(matches) - 1;
        matches &= matches - 1;
        const int second = matches != 0 ? __ffs(matches) - 1 : -1;
        matches &= matches - 1;
        const float* const a = gradY + static_cast<int64_t>(begin + at + first) * D;
        const float* const b = gradY + static_cast<int64_t>(begin + at + max(second, 0)) * D;
#pragma unroll
        for (int k = 0; k < kChannels; k++) {
          const int d = firstChannel + k * kWarp;
          const float x = d < D ? a[d] : 0.0f, y = d < D && second >= 0 ? b[d] : 0.0f;
          sums[k] = sums[k] + x + y;
        }
      }
    }
  }
  if (own >= V) return;
#pragma unroll
  for (int k = 0; k < kChannels; k++) {
    const int d = firstChannel + k * kWarp;
    if (d < D) gradTable[own * D + d] = sums[k];
  }
}

}  // namespace

cudaError_t embeddingLookupForward(const Call& call) {
  const int64_t tokens = call.integer(0);
  const int D = call.integer(1);
  const float* table = call.in(0);
  float* y = call.out(0);
  if (D % 4 == 0 && isAligned16(table) && isAligned16(y)) {
    return launch(forwardKernel<4>, elementGrid(tokens * D / 4), kElementThreads, 0, call.stream, table, call.inInt(1),
                  y, tokens * D / 4, D);
  }
  return launch(forwardKernel<1>, elementGrid(tokens * D), kElementThreads, 0, call.stream, table, call.inInt(1), y,
                tokens * D, D);
}

// Ports: table, ids, gradY.
cudaError_t embeddingLookupBackward(const Call& call) {
  const int tokens = call.integer(0), V = call.integer(1), D = call.integer(2);
  const dim3 grid(static_cast<unsigned>(ceilDiv(V, kWarps)), static_cast<unsigned>(ceilDiv(D, kWarp * kChannels)));
  return launch(backwardKernel, grid, kWarps * kWarp, 0, call.stream, call.inInt(1), call.in(2), call.out(0), tokens, V,
                D);
}

}  // namespace bmojo::cuda
