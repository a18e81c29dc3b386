// Products of a tile of keys with a block of queries. The block's arrays are transposed, [Dh][kQueries]; rows of keys stand
// where they are and come in fours: what is beyond `count` counts as padding.
#pragma once
#include "memory-attention/key-tiles.h"

namespace bmojo {

// products[j][lane] = sum over d of rows[j][d] * transposed[d][lane]
static inline void tileProducts(const float* const* rows, int count, const float* transposed, int Dh, float* products) {
  for (int j = 0; j < count; j += 4) {
    const float *r0 = rows[j], *r1 = rows[j + 1], *r2 = rows[j + 2], *r3 = rows[j + 3];
    Vec a0 = {}, a1 = {}, b0 = {}, b1 = {}, c0 = {}, c1 = {}, d0 = {}, d1 = {};
    for (int d = 0; d < Dh; d++) {
      Vec q0 = load(transposed + d * kQueries), q1 = load(transposed + d * kQueries + kLanes);
      a0 += r0[d] * q0;
      a1 += r0[d] * q1;
      b0 += r1[d] * q0;
      b1 += r1[d] * q1;
      c0 += r2[d] * q0;
      c1 += r2[d] * q1;
      d0 += r3[d] * q0;
      d1 += r3[d] * q1;
    }
    float* p = products + j * kQueries;
    store(p, a0);
    store(p + kLanes, a1);
    store(p + kQueries, b0);
    store(p + kQueries + kLanes, b1);
    store(p + 2 * kQueries, c0);
    store(p + 2 * kQueries + kLanes, c1);
    store(p + 3 * kQueries, d0);
    store(p + 3 * kQueries + kLanes, d1);
  }
}

// sums[d][lane] += sum over j of rows[j][d] * weights[j][lane]
static inline void tileSums(const float* const* rows, int count, const float* weights, int Dh, float* sums) {
  for (int j = 0; j < count; j += 4) {
    const float *r0 = rows[j], *r1 = rows[j + 1], *r2 = rows[j + 2], *r3 = rows[j + 3];
    const float* w = weights + j * kQueries;
    Vec a0 = load(w), a1 = load(w + kLanes), b0 = load(w + kQueries), b1 = load(w + kQueries + kLanes);
    Vec c0 = load(w + 2 * kQueries), c1 = load(w + 2 * kQueries + kLanes);
    Vec d0 = load(w + 3 * kQueries), d1 = load(w + 3 * kQueries + kLanes);
    for (int d = 0; d < Dh; d++) {
      float* s = sums + d * kQueries;
      store(s, load(s) + (r0[d] * a0 + r1[d] * b0) + (r2[d] * c0 + r3[d] * d0));
      store(s + kLanes, load(s + kLanes) + (r0[d] * a1 + r1[d] * b1) + (r2[d] * c1 + r3[d] * d1));
    }
  }
}

// grads[j][d] += sum over lanes of weights[j][lane] * rows[lane][d]; rows of one block are `stride` apart.
static inline void tileGradients(float* const* grads, int count, const float* weights, const float* rows,
                                 int64_t stride, int queries, int Dh) {
  for (int j = 0; j < count; j++) {
    const float* w = weights + j * kQueries;
    float* grad = grads[j];
    int i = 0;
    for (; i + 4 <= queries; i += 4) {
      const float* r = rows + i * stride;
      const float w0 = w[i], w1 = w[i + 1], w2 = w[i + 2], w3 = w[i + 3];
      int d = 0;
      for (; d + kLanes <= Dh; d += kLanes) {
        Vec low = w0 * load(r + d) + w1 * load(r + stride + d);
        Vec high = w2 * load(r + 2 * stride + d) + w3 * load(r + 3 * stride + d);
        store(grad + d, load(grad + d) + (low + high));
      }
      for (; d < Dh; d++) {
        grad[d] += (w0 * r[d] + w1 * r[stride + d]) + (w2 * r[2 * stride + d] + w3 * r[3 * stride + d]);
      }
    }
    for (; i < queries; i++) axpy(grad, rows + i * stride, w[i], Dh);
  }
}

// transposed[d][lane] = scale * rows[lane][d]; lanes without a query get zeros.
static inline void transposeBlock(const float* rows, int64_t stride, int queries, int Dh, float scale,
                                  float* transposed) {
  for (int i = 0; i < kQueries; i++) {
    for (int d = 0; d < Dh; d++) transposed[d * kQueries + i] = i < queries ? scale * rows[i * stride + d] : 0.0f;
  }
}

}  // namespace bmojo
