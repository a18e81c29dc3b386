// Adds the gradients of stored slots to those of the rows they hold, in the order of the slots. A row usually stands in
// the slots of consecutive chunks: each slot looks for the next one that holds its row.
#pragma once
#include "memory-attention/geometry.cuh"

namespace bmojo::cuda {

constexpr int kNoSlot = 0x7fffffff;

__global__ void clearLinksKernel(int* __restrict__ heads, int64_t count) {
  const int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < count) heads[i] = kNoSlot;
}

// heads [B, M]: the first slot of each row; nexts [B, slots]: the next slot with the same row. A warp for each slot.
__global__ void linkSlotsKernel(const int* __restrict__ positions, int* __restrict__ heads, int* __restrict__ nexts,
                                int B, int M, int slots) {
  const int64_t index = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const int lane = threadIdx.x % kWarp;
  if (index >= static_cast<int64_t>(B) * slots) return;
  const int b = static_cast<int>(index / slots), slot = static_cast<int>(index % slots);
  const int* const own = positions + static_cast<int64_t>(b) * slots;
  const int row = own[slot];
  if (row < 0) return;
  int next = kNoSlot;
  for (int begin = slot + 1; begin < slots && next == kNoSlot; begin += kWarp) {
    const unsigned found = __ballot_sync(kAll, begin + lane < slots && own[begin + lane] == row);
    if (found != 0) next = begin + __ffs(found) - 1;
  }
  if (lane != 0) return;
  nexts[index] = next;
  atomicMin(heads + static_cast<int64_t>(b) * M + row, slot);
}

// A warp for each row of keys and group.
__global__ void addStoredKernel(const int* __restrict__ heads, const int* __restrict__ nexts,
                                const float* __restrict__ storedK, const float* __restrict__ storedV,
                                float* __restrict__ gradK, float* __restrict__ gradV, int64_t rows, int M, int G,
                                int Dh, int slots) {
  const int64_t index = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const int lane = threadIdx.x % kWarp;
  if (index >= rows * G) return;
  const int64_t row = index / G, b = row / M;
  const int group = static_cast<int>(index % G), head = heads[row];
  if (head == kNoSlot) return;
  for (int d = lane; d < Dh; d += kWarp) {
    float k = gradK[index * Dh + d], v = gradV[index * Dh + d];
    for (int slot = head; slot != kNoSlot; slot = nexts[b * slots + slot]) {
      const int64_t at = ((b * slots + slot) * G + group) * Dh + d;
      k += storedK[at];
      v += storedV[at];
    }
    gradK[index * Dh + d] = k;
    gradV[index * Dh + d] = v;
  }
}

}  // namespace bmojo::cuda
