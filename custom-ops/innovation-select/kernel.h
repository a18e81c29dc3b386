// The best scores of a growing prefix, kept sorted; batch rows are independent.
#pragma once
#include "native/simd.h"

namespace bmojo {

// `kept` is the list of the chunk being written; the next chunk starts from a copy of it.
static inline void innovationSelectRow(const float* scores, int* positions, int M, int C, int capacity, int window,
                                       int overlap, int queryOffset, int phase) {
  int count = 0, row = 0;
  for (int chunk = 0; chunk < C; chunk++) {
    int* kept = positions + (int64_t)chunk * capacity;
    for (int slot = 0; slot < capacity; slot++) kept[slot] = chunk > 0 ? kept[slot - capacity] : -1;
    int limit = queryOffset - phase + chunk * window - (overlap ? 0 : window);
    if (limit > M) limit = M;
    for (; row < limit; row++) {
      float score = scores[row];
      if (!(score >= 0.0f)) continue;  // negative: had its chance; NaN: never stored
      int place = count;
      while (place > 0 && scores[kept[place - 1]] < score) place--;
      if (place >= capacity) continue;
      if (count < capacity) count++;
      for (int slot = count - 1; slot > place; slot--) kept[slot] = kept[slot - 1];
      kept[place] = row;
    }
  }
}

}  // namespace bmojo

BMOJO_EXPORT(innovation_select)
void innovation_select(const float* scores, int* positions, int B, int M, int C, int capacity, int window, int overlap,
                       int queryOffset, int phase) {
  for (int b = 0; b < B; b++) {
    bmojo::innovationSelectRow(scores + (int64_t)b * M, positions + (int64_t)b * C * capacity, M, C, capacity, window,
                               overlap, queryOffset, phase);
  }
}
