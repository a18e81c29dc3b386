// Vectors of floats and the few functions that kernels need, for any target that Clang or GCC vectorises.
// No statics, no tables: the WASM build must have no data segment, since it lives in another module's memory.
#pragma once

#include <stdint.h>

#if defined(__wasm__)
#define BMOJO_EXPORT(name) extern "C" __attribute__((export_name(#name)))
#else
#define BMOJO_EXPORT(name) extern "C" __attribute__((visibility("default")))
#endif

#if defined(__AVX512F__)
#define BMOJO_LANES 16
#elif defined(__AVX2__)
#define BMOJO_LANES 8
#else
#define BMOJO_LANES 4
#endif

// Before a short loop over an array of sums: GCC keeps them in registers only if it is told to unroll.
#if defined(__clang__)
#define BMOJO_UNROLL
#else
#define BMOJO_UNROLL _Pragma("GCC unroll 16")
#endif

namespace bmojo {

constexpr int kLanes = BMOJO_LANES;
typedef float Vec __attribute__((vector_size(4 * BMOJO_LANES)));
typedef int32_t IntVec __attribute__((vector_size(4 * BMOJO_LANES)));
// The same vector at any address.
typedef float LooseVec __attribute__((vector_size(4 * BMOJO_LANES), aligned(4)));

static inline Vec load(const float* p) { return *(const LooseVec*)p; }
static inline void store(float* p, Vec v) { *(LooseVec*)p = v; }
static inline Vec splat(float x) { return x - Vec{}; }

static inline float sum(Vec v) {
  float total = 0;
  for (int i = 0; i < kLanes; i++) total += v[i];
  return total;
}

static inline Vec select(IntVec mask, Vec a, Vec b) { return mask ? a : b; }
static inline Vec vmax(Vec a, Vec b) { return select(a > b, a, b); }
static inline Vec vmin(Vec a, Vec b) { return select(a < b, a, b); }

// exp: x = n log 2 + r, |r| <= log(2)/2; a polynomial of degree 5 for exp(r) (relative error 1e-7), evaluated by pairs,
// since waiting for one result after another costs more than the operations; 2^n by the exponent's bits. Underflows to 0
// below -87.3, grows without bound above 88.7; a NaN stays one, since r keeps it.
static inline Vec vexp(Vec x) {
  Vec clamped = vmin(splat(88.72f), vmax(splat(-87.33f), x));
  Vec shifted = clamped * 1.44269504088896341f + 12582912.0f;  // rounds to nearest: 1.5 * 2^23
  Vec n = shifted - 12582912.0f;
  Vec r = x - n * 0.693359375f - n * -2.12194440e-4f;
  Vec r2 = r * r;
  Vec high = r * 8.290314747e-3f + 4.189792951e-2f;
  Vec middle = r * 1.666763620e-1f + 4.999914953e-1f;
  Vec low = r * 9.999997072e-1f + 1.0f;
  Vec p = (high * r2 + middle) * r2 + low;
  IntVec bits = ((IntVec)shifted + (127 - 0x4B400000)) << 23;
  return select(x < -87.33f, Vec{}, p * (Vec)bits);
}

constexpr float kLog2e = 1.44269504088896341f;

// 2^x: cheaper than exp, for arguments that can carry the factor log2(e) themselves. x = n + f with |f| <= 1/2: a polynomial
// of degree 5 for 2^f (relative error 1e-7), 2^n by the exponent's bits. Adding 1.5 * 2^23 rounds to n and leaves it in the
// lowest bits; 127 more is the exponent's bias. Clamped to [2^-126, 2^127]; a NaN stays one.
static inline Vec vpower2(Vec x) {
  Vec y = x < -126.0f ? splat(-126.0f) : x;
  y = y > 127.0f ? splat(127.0f) : y;
  Vec shifted = y + 12583039.0f;
  Vec f = y - (shifted - 12583039.0f);
  Vec f2 = f * f;
  Vec high = f * 1.326472725e-3f + 9.671512688e-3f;
  Vec middle = f * 5.550733744e-2f + 2.402224208e-1f;
  Vec low = f * 6.931469776e-1f + 1.0f;
  return (Vec)((IntVec)shifted << 23) * ((high * f2 + middle) * f2 + low);
}

// A score less the logarithm of its softmax's normaliser, which is rounded like the score: where both are large the rounding of
// either may exceed what the exponential bears, though no weight is above 1. A NaN stays one.
static inline Vec atMostZero(Vec x) { return x > 0.0f ? Vec{} : x; }

// log of a positive number: exponent and mantissa in [sqrt(1/2), sqrt(2)), polynomial of degree 9 (error about 1e-7). NaN and
// infinity stay what they are.
static inline Vec vlog(Vec x) {
  IntVec bits = (IntVec)x;
  IntVec exponent = ((bits - 0x3f3504f3) >> 23);
  Vec m = (Vec)(bits - (exponent << 23)) - 1.0f;
  Vec e = __builtin_convertvector(exponent, Vec);
  Vec p = m * 7.0376836292e-2f - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  Vec m2 = m * m;
  Vec y = p * m * m2 + e * -2.12194440e-4f - 0.5f * m2;
  return select(x < __builtin_inff(), m + y + e * 0.693359375f, x);
}

static inline Vec vsigmoid(Vec x) { return 1.0f / (1.0f + vexp(-x)); }

// log(1 + exp(x)) and the root of its slope, the sigmoid of x, which itself is below the least float where x is below -87:
// what it multiplies may be large, and is multiplied by the root twice. With t = exp(-|x|), which cannot overflow, the square
// of exp(-|x| / 2), and s = t / (2 + t): log(1 + t) = 2 artanh(s), an odd polynomial of degree 9 for s <= 1/3 (relative error
// 5e-9), exact for small t too.
struct Softplus {
  Vec value, rootSlope;
};

static inline Vec vsqrt(Vec x) {
  for (int i = 0; i < kLanes; i++) x[i] = __builtin_sqrtf(x[i]);
  return x;
}

static inline Softplus vsoftplus(Vec x) {
  Vec root = vexp(0.5f * (Vec)((IntVec)x | INT32_MIN));
  Vec t = root * root;
  Vec s = t / (t + 2.0f);
  Vec s2 = s * s;
  Vec p = s2 * 2.801198851e-1f + 2.800180497e-1f;
  p = p * s2 + 4.002152726e-1f;
  p = p * s2 + 6.666641629e-1f;
  return {vmax(x, Vec{}) + s * (s2 * p + 2.0f), select(x > 0.0f, splat(1.0f), root) / vsqrt(t + 1.0f)};
}

// The first `count` of a full vector's lanes; the others read as zero and are not written.
static inline Vec loadPart(const float* p, int count) {
  if (count >= kLanes) return load(p);
  Vec v = {};
  for (int i = 0; i < count; i++) v[i] = p[i];
  return v;
}
static inline void storePart(float* p, Vec v, int count) {
  if (count >= kLanes) return store(p, v);
  for (int i = 0; i < count; i++) p[i] = v[i];
}

static inline float exp1(float x) { return vexp(splat(x))[0]; }
static inline float log1(float x) { return vlog(splat(x))[0]; }
static inline float sigmoid1(float x) { return vsigmoid(splat(x))[0]; }
static inline float sqrt1(float x) { return __builtin_sqrtf(x); }

static inline float dot(const float* a, const float* b, int n) {
  Vec total = {};
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) total += load(a + i) * load(b + i);
  float rest = sum(total);
  for (; i < n; i++) rest += a[i] * b[i];
  return rest;
}

// y += alpha * x
static inline void axpy(float* y, const float* x, float alpha, int n) {
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) store(y + i, load(y + i) + alpha * load(x + i));
  for (; i < n; i++) y[i] += alpha * x[i];
}

static inline void fill(float* y, float value, int n) {
  for (int i = 0; i < n; i++) y[i] = value;
}

}  // namespace bmojo
