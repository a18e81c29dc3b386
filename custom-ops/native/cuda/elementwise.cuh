// Loops over elements, four at a time where addresses allow.
#pragma once
#include "native/cuda/device.cuh"

namespace bmojo::cuda {

constexpr int kElementThreads = 256;

inline dim3 elementGrid(int64_t items) {
  const int64_t blocks = ceilDiv(items, kElementThreads);
  return dim3(static_cast<unsigned>(blocks < (1 << 20) ? blocks : (1 << 20)));
}

__device__ inline int64_t firstElement() { return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; }
__device__ inline int64_t elementStride() { return static_cast<int64_t>(gridDim.x) * blockDim.x; }

// kWidth consecutive floats in registers; 2 or 4 are loaded and stored at once, from and to addresses aligned so.
template <int kWidth>
struct Pack {
  float x[kWidth];
};

template <int kWidth>
__device__ inline Pack<kWidth> loadPack(const float* from) {
  Pack<kWidth> pack;
  if constexpr (kWidth == 4) {
    const float4 v = *reinterpret_cast<const float4*>(from);
    pack.x[0] = v.x, pack.x[1] = v.y, pack.x[2] = v.z, pack.x[3] = v.w;
  } else if constexpr (kWidth == 2) {
    const float2 v = *reinterpret_cast<const float2*>(from);
    pack.x[0] = v.x, pack.x[1] = v.y;
  } else {
#pragma unroll
    for (int i = 0; i < kWidth; i++) pack.x[i] = from[i];
  }
  return pack;
}

template <int kWidth>
__device__ inline void storePack(float* to, const Pack<kWidth>& pack) {
  if constexpr (kWidth == 4) {
    *reinterpret_cast<float4*>(to) = make_float4(pack.x[0], pack.x[1], pack.x[2], pack.x[3]);
  } else if constexpr (kWidth == 2) {
    *reinterpret_cast<float2*>(to) = make_float2(pack.x[0], pack.x[1]);
  } else {
#pragma unroll
    for (int i = 0; i < kWidth; i++) to[i] = pack.x[i];
  }
}

}  // namespace bmojo::cuda
