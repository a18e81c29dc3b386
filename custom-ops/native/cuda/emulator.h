// Runs CUDA kernels on the CPU, one fiber for each thread of a block, so that their indices, barriers and shuffles can be
// checked where there is no GPU: the same sources, compiled as C++ with -DBMOJO_EMULATED. Slow; for small sizes.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __shared__ static
#define __restrict__
#define __launch_bounds__(...)

using cudaError_t = int;
using cudaStream_t = void*;
constexpr cudaError_t cudaSuccess = 0;
constexpr cudaError_t cudaErrorInvalidValue = 1;
constexpr cudaError_t cudaErrorInvalidConfiguration = 9;

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct uint3 {
  unsigned x, y, z;
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

namespace emulator {

// The thread that runs, its block, and the dynamic shared memory.
extern uint3 thread, block;
extern dim3 blockSize, gridSize;
extern void* dynamicShared;

cudaError_t run(dim3 grid, int threads, size_t shared, const std::function<void()>& body);
void syncBlock();
void syncWarp();
// All lanes of the warp give a value; returns the one of lane `from`.
uint32_t exchange(uint32_t value, int from);
void mmaTf32(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]);
void mmaHalves(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1, bool isBfloat);
void loadMatrices(unsigned (&words)[4], const float* row, bool isTransposed);
// The nearest half of a float, in the lower bits, and the float of a half.
unsigned halfOf(float x, bool isBfloat);
float floatOf(unsigned half, bool isBfloat);
// Aborts where a card would fault.
void requireAligned16(const void* address);
int lane();

template <class T>
T shuffle(T value, int from) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  bits = exchange(bits, from);
  std::memcpy(&value, &bits, 4);
  return value;
}

}  // namespace emulator

#define threadIdx emulator::thread
#define blockIdx emulator::block
#define blockDim emulator::blockSize
#define gridDim emulator::gridSize

inline void __syncthreads() { emulator::syncBlock(); }
inline void __syncwarp(unsigned = 0xffffffffu) { emulator::syncWarp(); }
template <class T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  return emulator::shuffle(value, emulator::lane() ^ mask);
}
template <class T>
T __shfl_sync(unsigned, T value, int from) {
  return emulator::shuffle(value, from);
}
inline unsigned __ballot_sync(unsigned, int predicate) {
  unsigned bits = 0;
  for (int i = 0; i < 32; i++) bits |= emulator::shuffle(predicate != 0 ? 1u : 0u, i) << i;
  return bits;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __syncthreads_or(int predicate) {
  static int seen;
  __syncthreads();
  seen = 0;
  __syncthreads();
  seen |= predicate;
  __syncthreads();
  return seen;
}
inline int __ffs(unsigned x) { return __builtin_ffs(static_cast<int>(x)); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline unsigned __float_as_uint(float x) {
  unsigned y;
  std::memcpy(&y, &x, 4);
  return y;
}
inline float __uint_as_float(unsigned x) {
  float y;
  std::memcpy(&y, &x, 4);
  return y;
}
inline int atomicMin(int* at, int value) {
  int old = *at;
  if (value < old) *at = value;
  return old;
}
inline int atomicAdd(int* at, int value) {
  int old = *at;
  *at += value;
  return old;
}
using std::isnan;
inline float cospif(float x) { return static_cast<float>(std::cos(3.14159265358979323846 * x)); }
inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }

// The emulated device has as many multiprocessors as a large card, so that work is cut up as there.
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount };
inline cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) {
  *value = 132;
  return cudaSuccess;
}
// Its memory is the host's.
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
inline cudaError_t cudaMalloc(void** at, size_t bytes) {
  *at = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  return *at ? cudaSuccess : 2;
}
inline cudaError_t cudaFree(void* at) {
  std::free(at);
  return cudaSuccess;
}
inline cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaMemset(void* at, int value, size_t bytes) {
  std::memset(at, value, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t) {
  return cudaMemcpy(to, from, bytes, kind);
}
inline cudaError_t cudaMemsetAsync(void* at, int value, size_t bytes, cudaStream_t) {
  return cudaMemset(at, value, bytes);
}
constexpr unsigned cudaHostAllocMapped = 2;
inline cudaError_t cudaHostAlloc(void** at, size_t bytes, unsigned) { return cudaMalloc(at, bytes); }
inline cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
inline const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorInvalidValue ? "invalid argument" : error == 0 ? "no error" : "invalid configuration";
}
