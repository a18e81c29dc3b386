// SiLU(gate) * up; elements are independent. The last, incomplete vector goes through a padded copy.
#pragma once
#include "native/simd.h"

namespace bmojo {

static inline void swigluForward(const float* gate, const float* up, float* y, int64_t begin, int64_t end) {
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) store(y + i, load(gate + i) * vsigmoid(load(gate + i)) * load(up + i));
  int rest = (int)(end - i);
  Vec g = loadPart(gate + i, rest);
  storePart(y + i, g * vsigmoid(g) * loadPart(up + i, rest), rest);
}

static inline void swigluBackwardOf(Vec g, Vec u, Vec gradY, Vec* gradGate, Vec* gradUp) {
  Vec s = vsigmoid(g);
  *gradUp = gradY * g * s;
  *gradGate = gradY * u * s * (1.0f + g * (1.0f - s));
}

static inline void swigluBackward(const float* gate, const float* up, const float* gradY, float* gradGate,
                                  float* gradUp, int64_t begin, int64_t end) {
  Vec gg, gu;
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    swigluBackwardOf(load(gate + i), load(up + i), load(gradY + i), &gg, &gu);
    store(gradGate + i, gg);
    store(gradUp + i, gu);
  }
  int rest = (int)(end - i);
  swigluBackwardOf(loadPart(gate + i, rest), loadPart(up + i, rest), loadPart(gradY + i, rest), &gg, &gu);
  storePart(gradGate + i, gg, rest);
  storePart(gradUp + i, gu, rest);
}

}  // namespace bmojo

BMOJO_EXPORT(swiglu_forward)
void swiglu_forward(const float* gate, const float* up, float* y, int n) {
  bmojo::swigluForward(gate, up, y, 0, n);
}

BMOJO_EXPORT(swiglu_backward)
void swiglu_backward(const float* gate, const float* up, const float* gradY, float* gradGate, float* gradUp, int n) {
  bmojo::swigluBackward(gate, up, gradY, gradGate, gradUp, 0, n);
}
