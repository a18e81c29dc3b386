// A transpose of four times four floats, of which larger ones are made.
#pragma once
#include <stdint.h>

namespace bmojo {

// Four columns of four consecutive floats each, `columnStride` apart, as four rows, `rowStride` apart.
static inline void transposeQuads(const float* from, int64_t columnStride, float* to, int rowStride) {
#if defined(__has_builtin) && __has_builtin(__builtin_shufflevector)
  typedef float Quad __attribute__((vector_size(16), aligned(4)));
  Quad a = *(const Quad*)from, b = *(const Quad*)(from + columnStride);
  Quad c = *(const Quad*)(from + 2 * columnStride), d = *(const Quad*)(from + 3 * columnStride);
  Quad ac0 = __builtin_shufflevector(a, c, 0, 4, 1, 5), ac1 = __builtin_shufflevector(a, c, 2, 6, 3, 7);
  Quad bd0 = __builtin_shufflevector(b, d, 0, 4, 1, 5), bd1 = __builtin_shufflevector(b, d, 2, 6, 3, 7);
  *(Quad*)to = __builtin_shufflevector(ac0, bd0, 0, 4, 1, 5);
  *(Quad*)(to + rowStride) = __builtin_shufflevector(ac0, bd0, 2, 6, 3, 7);
  *(Quad*)(to + 2 * rowStride) = __builtin_shufflevector(ac1, bd1, 0, 4, 1, 5);
  *(Quad*)(to + 3 * rowStride) = __builtin_shufflevector(ac1, bd1, 2, 6, 3, 7);
#else
  for (int j = 0; j < 4; j++)
    for (int k = 0; k < 4; k++) to[k * rowStride + j] = from[j * columnStride + k];
#endif
}

}  // namespace bmojo
