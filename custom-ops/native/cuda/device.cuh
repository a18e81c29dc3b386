// What the CUDA kernels share: launches, fast functions with a bounded relative error, sums over warps and blocks in a
// fixed order, asynchronous copies to shared memory, the TF32 matrix product.
#pragma once
#include <type_traits>

#include "native/cuda/call.h"

namespace bmojo::cuda {

constexpr int kWarp = 32;
constexpr unsigned kAll = 0xffffffffu;
constexpr float kLog2e = 1.44269504088896341f;
constexpr float kLn2 = 0.693147180559945309f;

inline int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline size_t aligned(size_t bytes) { return (bytes + 255) / 256 * 256; }
inline bool isAligned16(const void* p) { return (reinterpret_cast<uintptr_t>(p) & 15) == 0; }

// Consecutive blocks of a workspace.
struct Carver {
  char* base;
  size_t used = 0;
  float* floats(size_t count) { return static_cast<float*>(take(count * 4)); }
  int* ints(size_t count) { return static_cast<int*>(take(count * 4)); }
  void* take(size_t bytes) {
    void* at = base ? base + used : nullptr;
    used += aligned(bytes);
    return at;
  }
};

#ifdef BMOJO_EMULATED
template <class F, class... Args>
cudaError_t launch(F kernel, dim3 grid, int threads, size_t shared, cudaStream_t, Args... args) {
  return emulator::run(grid, threads, shared, [=] { kernel(args...); });
}
#else
template <class... Parameters, class... Args>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, int threads, size_t shared, cudaStream_t stream,
                   Args... args) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return cudaSuccess;
  if (shared > 48 * 1024) {
    cudaError_t error =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
    if (error != cudaSuccess) return error;
  }
  kernel<<<grid, threads, shared, stream>>>(Parameters(args)...);
  return cudaGetLastError();
}
#endif

// What `run` returns for a constant of the call's precision, by which kernels are chosen.
template <class Run>
cudaError_t inPrecision(Precision precision, const Run& run) {
  switch (precision) {
    case Precision::kTf32: return run(std::integral_constant<Precision, Precision::kTf32>());
    case Precision::kFloat16: return run(std::integral_constant<Precision, Precision::kFloat16>());
    case Precision::kBfloat16: return run(std::integral_constant<Precision, Precision::kBfloat16>());
    default: return run(std::integral_constant<Precision, Precision::kFloat32>());
  }
}

// The block's dynamic shared memory as floats.
#ifdef BMOJO_EMULATED
#define BMOJO_SHARED(name) float* const name = static_cast<float*>(emulator::dynamicShared)
#else
#define BMOJO_SHARED(name)                   \
  extern __shared__ float4 bmojoShared[];    \
  float* const name = reinterpret_cast<float*>(bmojoShared)
#endif

#define BMOJO_RETURN_IF(expression)                            \
  do {                                                         \
    cudaError_t bmojoError = (expression);                     \
    if (bmojoError != cudaSuccess) return bmojoError;          \
  } while (0)

// Has x computed here, where a choice of it follows: no branch around it then keeps the compiler from mixing what is
// independent.
__device__ inline float computed(float x) {
#ifndef BMOJO_EMULATED
  asm volatile("" : "+f"(x));
#endif
  return x;
}

// 2^x, relative error below 2^-22; 0 below the smallest normal number.
__device__ inline float ex2(float x) {
#ifdef BMOJO_EMULATED
  return x < -126.0f ? 0.0f : exp2f(x);
#else
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

// A weight from its score less the logarithm of the softmax's normaliser, in powers of 2. The latter is rounded like the score:
// where both are large the rounding of either may exceed what the exponential bears, though no weight is above 1. A NaN stays one.
__device__ inline float softmaxWeight(float x) { return ex2(x > 0.0f ? 0.0f : x); }

// 2^x on the multiplication units, which leaves the special function unit to others: relative error below 2.2e-7. The
// nearest integer goes to the exponent, the rest through a polynomial with the least relative error.
__device__ inline float ex2Polynomial(float x) {
  x = fminf(fmaxf(x, -126.0f), 128.0f);
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23
  const float shifted = x + kRound;
  const float rest = x - (shifted - kRound);
  float p = 0.00132764725f;
  p = fmaf(p, rest, 0.00967554096f);
  p = fmaf(p, rest, 0.0555071309f);
  p = fmaf(p, rest, 0.240221202f);
  p = fmaf(p, rest, 0.693146944f);
  p = fmaf(p, rest, 1.00000012f);
  return __uint_as_float(__float_as_uint(p) + (__float_as_uint(shifted) << 23));
}

// 1/x, relative error of one unit in the last place.
__device__ inline float reciprocal(float x) {
#ifdef BMOJO_EMULATED
  return 1.0f / x;
#else
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

__device__ inline float sigmoid(float x) { return reciprocal(1.0f + ex2(-kLog2e * x)); }

// log(1 + e) for e in [0, 1], relative error below 2e-7: e times a polynomial (interpolated at Chebyshev's nodes).
__device__ inline float log1pUnit(float e) {
  float p = 0.00512610214f;
  p = fmaf(p, e, -0.0290740647f);
  p = fmaf(p, e, 0.0775160867f);
  p = fmaf(p, e, -0.136022476f);
  p = fmaf(p, e, 0.190768807f);
  p = fmaf(p, e, -0.24835399f);
  p = fmaf(p, e, 0.333181217f);
  p = fmaf(p, e, -0.49999445f);
  p = fmaf(p, e, 0.999999966f);
  return e * p;
}

__device__ inline float softplus(float x) { return fmaxf(x, 0.0f) + log1pUnit(ex2(-kLog2e * fabsf(x))); }

// softplus(x) and the root of its slope sigmoid(x), by one exponential: where x is below -87 the slope itself is below the
// least float, though what it multiplies may be large.
__device__ inline void softplusRootSlope(float x, float& value, float& rootSlope) {
  const float root = ex2(-0.5f * kLog2e * fabsf(x)), e = root * root, inverse = reciprocal(sqrtf(1.0f + e));
  value = fmaxf(x, 0.0f) + log1pUnit(e);
  rootSlope = x < 0.0f ? root * inverse : inverse;
}

__device__ inline float warpSum(float x) {
#pragma unroll
  for (int m = 16; m > 0; m /= 2) x += __shfl_xor_sync(kAll, x, m);
  return x;
}

__device__ inline float warpMax(float x) {
#pragma unroll
  for (int m = 16; m > 0; m /= 2) x = fmaxf(x, __shfl_xor_sync(kAll, x, m));
  return x;
}

// Sums v[j] of group j over kGroup lanes at once: lane j of each group gets the sum of all lanes' v[j].
template <int kGroup>
__device__ inline float transposedSum(float* v, int lane) {
#pragma unroll
  for (int m = 1; m < kGroup; m *= 2) {
    const bool upper = (lane & m) != 0;
#pragma unroll
    for (int i = 0; i < kGroup; i += 2 * m) {
      const float keep = upper ? v[i + m] : v[i];
      const float send = upper ? v[i] : v[i + m];
      v[i] = keep + __shfl_xor_sync(kAll, send, m);
    }
  }
  return v[0];
}

// Asynchronous copies from global to shared memory; `valid` false writes zeros.
__device__ inline void copyAsync16(float* shared, const float* global, bool valid) {
#ifdef BMOJO_EMULATED
  emulator::requireAligned16(shared);
  emulator::requireAligned16(global);
  for (int i = 0; i < 4; i++) shared[i] = valid ? global[i] : 0.0f;
#else
  const unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(valid ? 16 : 0) : "memory");
#endif
}

__device__ inline void copyAsync4(float* shared, const float* global, bool valid) {
#ifdef BMOJO_EMULATED
  *shared = valid ? *global : 0.0f;
#else
  const unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(to), "l"(global), "r"(valid ? 4 : 0) : "memory");
#endif
}

__device__ inline void copyCommit() {
#ifndef BMOJO_EMULATED
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

// Waits until at most kPending of the committed groups are under way.
template <int kPending>
__device__ inline void copyWait() {
#ifndef BMOJO_EMULATED
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
#endif
}

// c += a b for a [16, 8], b [8, 8]; lane = 4 g + t holds a[g][t], a[g+8][t], a[g][t+4], a[g+8][t+4]; b[t][g], b[t+4][g];
// c[g][2t], c[g][2t+1], c[g+8][2t], c[g+8][2t+1]. Factors are cut to TF32.
__device__ inline void mmaTf32(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#ifdef BMOJO_EMULATED
  emulator::mmaTf32(c, a, b);
#else
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

// c += a b for a [16, 16], b [16, 8] of halves, two in a word; lane = 4 g + t holds a[g][2t..], a[g+8][2t..], a[g][2t+8..],
// a[g+8][2t+8..]; b[2t..][g], b[2t+8..][g]; c as of mmaTf32.
template <Precision kPrecision>
__device__ inline void mmaHalves(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  static_assert(kIsHalf<kPrecision>);
#ifdef BMOJO_EMULATED
  emulator::mmaHalves(c, a, b0, b1, kPrecision == Precision::kBfloat16);
#else
  if constexpr (kPrecision == Precision::kBfloat16) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
#endif
}

// Two floats as halves in one word, `low` in its lower bits, each rounded to the nearest.
template <Precision kPrecision>
__device__ inline unsigned packHalves(float low, float high) {
  static_assert(kIsHalf<kPrecision>);
#ifdef BMOJO_EMULATED
  constexpr bool isBfloat = kPrecision == Precision::kBfloat16;
  return emulator::halfOf(low, isBfloat) | emulator::halfOf(high, isBfloat) << 16;
#else
  unsigned word;
  if constexpr (kPrecision == Precision::kBfloat16) {
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  } else {
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  }
  return word;
#endif
}

// x as a half holds it; x itself in other precisions.
template <Precision kPrecision>
__device__ inline float roundHalf(float x) {
  if constexpr (!kIsHalf<kPrecision>) return x;
  if constexpr (kPrecision == Precision::kBfloat16) return __uint_as_float(packHalves<kPrecision>(0.0f, x) & 0xffff0000u);
#ifdef BMOJO_EMULATED
  return emulator::floatOf(emulator::halfOf(x, false), false);
#else
  float rounded;
  asm("{ .reg .f16 half; cvt.rn.f16.f32 half, %1; cvt.f32.f16 %0, half; }" : "=f"(rounded) : "f"(x));
  return rounded;
#endif
}

// Four matrices [8, 8] of halves in shared memory, lane i knowing where row i % 8 of matrix i / 8 is, 16 bytes: lane = 4 g + t
// gets of each m[g][2t..], or where transposed m[2t][g] and m[2t+1][g].
template <bool kTransposed>
__device__ inline void loadMatrices(unsigned (&words)[4], const float* row) {
#ifdef BMOJO_EMULATED
  emulator::loadMatrices(words, row, kTransposed);
#else
  const unsigned from = static_cast<unsigned>(__cvta_generic_to_shared(row));
  if constexpr (kTransposed) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(from)
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(from)
                 : "memory");
  }
#endif
}

// x = high + low, both TF32 up to a relative error of 2^-21.
__device__ inline void splitTf32(float x, unsigned& high, unsigned& low) {
  high = __float_as_uint(x) & 0xffffe000u;
  low = __float_as_uint(x - __uint_as_float(high));
}

// Rounds to the nearest TF32.
__device__ inline unsigned roundTf32(float x) {
#ifdef BMOJO_EMULATED
  return (__float_as_uint(x) + 0x1000u) & 0xffffe000u;
#else
  unsigned y;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(x));
  return y;
#endif
}

}  // namespace bmojo::cuda
