// Inverted dropout; elements are independent. The mask is a hash of (seed, stream, index), as in hash.ts.
#pragma once
#include "native/simd.h"

namespace bmojo {

typedef uint32_t WordVec __attribute__((vector_size(4 * BMOJO_LANES)));

struct DropoutMask {
  uint32_t first, second;  // keys
  uint32_t threshold;      // elements whose hash is below it are dropped
  float scale;             // of the others
};

template <class Word>
static inline Word dropoutMix(Word h) {
  h = (h ^ (h >> 16)) * 0x7feb352du;
  h = (h ^ (h >> 15)) * 0x846ca68bu;
  return h ^ (h >> 16);
}

static inline DropoutMask dropoutMask(const int32_t* seed, int stream, int threshold) {
  const uint32_t a = (uint32_t)seed[0], b = (uint32_t)seed[1], place = (uint32_t)stream, limit = (uint32_t)threshold;
  return {dropoutMix(a + dropoutMix(b + dropoutMix(place + 0x9e3779b9u))),
          dropoutMix(b + dropoutMix(a + dropoutMix(place + 0x3c6ef372u))), limit,
          (float)(1.0 / (1.0 - limit / 4294967296.0))};
}

static inline void dropout(const float* x, float* y, int64_t begin, int64_t end, const DropoutMask& mask) {
  WordVec lane;
  for (int k = 0; k < kLanes; k++) lane[k] = (uint32_t)k;
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    const WordVec hash = dropoutMix(dropoutMix(lane + ((uint32_t)i + mask.first)) ^ mask.second);
    store(y + i, select((IntVec)(hash < mask.threshold), Vec{}, load(x + i) * mask.scale));
  }
  for (; i < end; i++) {
    const uint32_t hash = dropoutMix(dropoutMix((uint32_t)i + mask.first) ^ mask.second);
    y[i] = hash < mask.threshold ? 0.0f : x[i] * mask.scale;
  }
}

}  // namespace bmojo

BMOJO_EXPORT(dropout_forward)
void dropout_forward(const float* x, const int32_t* seed, float* y, int n, int stream, int threshold) {
  bmojo::dropout(x, y, 0, n, bmojo::dropoutMask(seed, stream, threshold));
}

BMOJO_EXPORT(dropout_backward)
void dropout_backward(const int32_t* seed, const float* gradY, float* gradX, int n, int stream, int threshold) {
  bmojo::dropout(gradY, gradX, 0, n, bmojo::dropoutMask(seed, stream, threshold));
}
