// Rotation of channel pairs (i, i + Dh/2) by angles whose cosines and sines come as a table; tokens are independent.
#pragma once
#include "native/simd.h"

namespace bmojo {

// direction: 1 rotates, -1 rotates back.
static inline void rotate(const float* x, const float* cosSin, float* y, int begin, int end, int L, int H, int Dh,
                          float direction) {
  int half = Dh / 2;
  for (int token = begin; token < end; token++) {
    const float* cosines = cosSin + (int64_t)(token % L) * Dh;
    const float* sines = cosines + half;
    for (int h = 0; h < H; h++) {
      const float* from = x + ((int64_t)token * H + h) * Dh;
      float* to = y + ((int64_t)token * H + h) * Dh;
      int i = 0;
      for (; i + kLanes <= half; i += kLanes) {
        Vec c = load(cosines + i), s = load(sines + i) * direction;
        Vec first = load(from + i), second = load(from + half + i);
        store(to + i, first * c - second * s);
        store(to + half + i, first * s + second * c);
      }
      for (; i < half; i++) {
        float c = cosines[i], s = sines[i] * direction;
        float first = from[i], second = from[half + i];
        to[i] = first * c - second * s;
        to[half + i] = first * s + second * c;
      }
    }
  }
}

}  // namespace bmojo

BMOJO_EXPORT(rotary_embedding_forward)
void rotary_embedding_forward(const float* x, const float* cosSin, float* y, int tokens, int L, int H, int Dh) {
  bmojo::rotate(x, cosSin, y, 0, tokens, L, H, Dh, 1.0f);
}

BMOJO_EXPORT(rotary_embedding_backward)
void rotary_embedding_backward(const float* cosSin, const float* gradY, float* gradX, int tokens, int L, int H, int Dh) {
  bmojo::rotate(gradY, cosSin, gradX, 0, tokens, L, H, Dh, -1.0f);
}
