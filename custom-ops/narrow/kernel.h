// Numbers of 16 bits, two in a word; elements are independent. Without branches, so that compilers make vectors of it.
#pragma once
#include "native/simd.h"

namespace bmojo::narrow {

enum class Format { float16, bfloat16 };

static inline uint32_t bitsOf(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  return bits;
}

static inline float floatOf(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}

// Of the bits of a float32, of which nothing is known of the number: the compiler may assume that there is no NaN.
template <Format format>
static inline uint32_t halfOf(uint32_t bits) {
  constexpr bool isFloat16 = format == Format::float16;
  constexpr uint32_t kInfinity = 0x7f800000u, kLargest = isFloat16 ? 0x477fe000u : 0x7f7f0000u;
  const uint32_t sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  const uint32_t clamped = magnitude < kLargest ? magnitude : kLargest;
  uint32_t half;
  if (isFloat16) {
    const uint32_t normal = (clamped - 0x38000000u + 0xfffu + ((clamped >> 13) & 1u)) >> 13;
    // Adding 0.5 leaves multiples of 2^-24 in the fraction, rounded by the addition itself.
    const uint32_t subnormal = bitsOf(floatOf(clamped) + 0.5f) - 0x3f000000u;
    half = clamped < 0x38800000u ? subnormal : normal;
  } else {
    half = (clamped + 0x7fffu + ((clamped >> 16) & 1u)) >> 16;
  }
  half = magnitude == kInfinity ? (isFloat16 ? 0x7c00u : 0x7f80u) : half;
  return sign | (magnitude > kInfinity ? (isFloat16 ? 0x7e00u : 0x7fc0u) : half);
}

template <Format format>
static inline uint32_t numberOf(uint32_t half) {
  if (format == Format::bfloat16) return half << 16;
  const uint32_t sign = (half & 0x8000u) << 16, exponent = half & 0x7c00u, shifted = (half & 0x7fffu) << 13;
  const uint32_t normal = shifted + (exponent == 0x7c00u ? 0x70000000u : 0x38000000u);
  const uint32_t subnormal = bitsOf((float)(int32_t)(half & 0x3ffu) * 5.9604644775390625e-8f);
  return sign | (exponent == 0 ? subnormal : normal);
}

// Words [begin, end) of the packed numbers x [n].
template <Format format>
static inline void pack(const float* x, int32_t* words, int64_t n, int64_t begin, int64_t end) {
  const uint32_t* bits = (const uint32_t*)x;
  const int64_t whole = end < n / 2 ? end : n / 2;
  for (int64_t i = begin; i < whole; i++)
    words[i] = (int32_t)(halfOf<format>(bits[2 * i]) | (halfOf<format>(bits[2 * i + 1]) << 16));
  for (int64_t i = whole > begin ? whole : begin; i < end; i++) words[i] = (int32_t)halfOf<format>(bits[2 * i]);
}

// Both numbers of each of some words.
template <Format format>
static inline void unpackWhole(const int32_t* words, uint32_t* bits, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    bits[2 * i] = numberOf<format>((uint32_t)words[i] & 0xffffu);
    bits[2 * i + 1] = numberOf<format>((uint32_t)words[i] >> 16);
  }
}

// The numbers of words [begin, end) of rows of n, of which each begins at a word. Rows of an even number are as one.
template <Format format>
static inline void unpack(const int32_t* words, float* y, int64_t n, int64_t begin, int64_t end) {
  uint32_t* bits = (uint32_t*)y;
  if (n % 2 == 0) return unpackWhole<format>(words + begin, bits + 2 * begin, end - begin);
  const int64_t width = n / 2 + 1;
  for (int64_t row = begin / width; row * width < end; row++) {
    const int64_t first = row * width, from = begin > first ? begin - first : 0;
    const int64_t to = end - first < width ? end - first : width, whole = to < n / 2 ? to : n / 2;
    if (from < whole) unpackWhole<format>(words + first + from, bits + row * n + 2 * from, whole - from);
    if (to == width) bits[row * n + n - 1] = numberOf<format>((uint32_t)words[first + n / 2] & 0xffffu);
  }
}

static inline void packAs(Format format, const float* x, int32_t* words, int64_t n, int64_t begin, int64_t end) {
  if (format == Format::float16) pack<Format::float16>(x, words, n, begin, end);
  else pack<Format::bfloat16>(x, words, n, begin, end);
}

static inline void unpackAs(Format format, const int32_t* words, float* y, int64_t n, int64_t begin, int64_t end) {
  if (format == Format::float16) unpack<Format::float16>(words, y, n, begin, end);
  else unpack<Format::bfloat16>(words, y, n, begin, end);
}

}  // namespace bmojo::narrow

BMOJO_EXPORT(narrow_numbers)
void narrow_numbers(const float* x, int32_t* words, int n, int format) {
  bmojo::narrow::packAs((bmojo::narrow::Format)format, x, words, n, 0, ((int64_t)n + 1) / 2);
}

BMOJO_EXPORT(widen_numbers)
void widen_numbers(const int32_t* words, float* y, int rows, int n, int format) {
  bmojo::narrow::unpackAs((bmojo::narrow::Format)format, words, y, n, 0, rows * (((int64_t)n + 1) / 2));
}
