// Rows of a table by index. Forward, tokens are independent; backward, channels are: each range of channels adds up the
// tokens in order, so that repeated ids need no atomics and every run gives the same sums.
#pragma once
#include "native/simd.h"

namespace bmojo {

static inline void embeddingLookupForward(const float* table, const int32_t* ids, float* y, int begin, int end, int D) {
  for (int token = begin; token < end; token++)
    __builtin_memcpy(y + (int64_t)token * D, table + (int64_t)ids[token] * D, (uint32_t)D * 4);
}

static inline void embeddingLookupBackward(const int32_t* ids, const float* gradY, float* gradTable, int tokens, int V,
                                           int D, int beginChannel, int endChannel) {
  int channels = endChannel - beginChannel;
  for (int v = 0; v < V; v++) fill(gradTable + (int64_t)v * D + beginChannel, 0, channels);
  for (int token = 0; token < tokens; token++)
    axpy(gradTable + (int64_t)ids[token] * D + beginChannel, gradY + (int64_t)token * D + beginChannel, 1.0f, channels);
}

}  // namespace bmojo

BMOJO_EXPORT(embedding_lookup_forward)
void embedding_lookup_forward(const float* table, const int32_t* ids, float* y, int tokens, int D) {
  bmojo::embeddingLookupForward(table, ids, y, 0, tokens, D);
}

BMOJO_EXPORT(embedding_lookup_backward)
void embedding_lookup_backward(const float*, const int32_t* ids, const float* gradY, float* gradTable, int tokens,
                               int V, int D) {
  bmojo::embeddingLookupBackward(ids, gradY, gradTable, tokens, V, D, 0, D);
}
