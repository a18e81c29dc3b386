#include "native/cuda/elementwise.cuh"
#include "native/cuda/harness/fill.h"

namespace bmojo::cuda::harness {

namespace {

__device__ inline uint32_t mixed(uint32_t x) {
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  return x ^ (x >> 16);
}

__device__ inline float unit(uint32_t bits) { return (static_cast<float>(bits >> 8) + 0.5f) * (1.0f / 16777216.0f); }

__global__ void fillKernel(float* to, int64_t count, Fill fill, uint32_t seed) {
  for (int64_t i = firstElement(); i < count; i += elementStride()) {
    const uint32_t low = static_cast<uint32_t>(i), high = static_cast<uint32_t>(i >> 32);
    const uint32_t first = mixed(low ^ mixed(high ^ mixed(seed)));
    const float x = unit(first), y = unit(mixed(first + 0x9e3779b9u));
    if (fill.kind == Fill::Kind::kNormal) {
      to[i] = fill.a + fill.b * sqrtf(-2.0f * logf(x)) * cospif(2.0f * y);
    } else if (fill.kind == Fill::Kind::kUniform) {
      to[i] = fill.a + (fill.b - fill.a) * x;
    } else if (fill.kind == Fill::Kind::kInteger) {
      reinterpret_cast<int*>(to)[i] = static_cast<int>(fill.a + floorf((fill.b - fill.a) * x * 0.9999999f));
    } else {
      to[i] = NAN;
    }
  }
}

__global__ void __launch_bounds__(256) copyKernel(const float4* __restrict__ from, float4* __restrict__ to, size_t quads) {
  const size_t block = static_cast<size_t>(blockIdx.x) * 1024 + threadIdx.x;
  float4 values[4];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if (block + i * 256 < quads) values[i] = from[block + i * 256];
  }
#pragma unroll
  for (int i = 0; i < 4; i++) {
    if (block + i * 256 < quads) to[block + i * 256] = values[i];
  }
}

}  // namespace

cudaError_t fillDevice(void* to, size_t count, const Fill& fill, uint32_t seed) {
  return launch(fillKernel, elementGrid(static_cast<int64_t>(count)), kElementThreads, 0, nullptr,
                static_cast<float*>(to), static_cast<int64_t>(count), fill, seed);
}

cudaError_t copyDevice(const void* from, void* to, size_t quads) {
  return launch(copyKernel, dim3(static_cast<unsigned>(ceilDiv(static_cast<int64_t>(quads), 1024))), 256, 0, nullptr,
                static_cast<const float4*>(from), static_cast<float4*>(to), quads);
}

}  // namespace bmojo::cuda::harness
