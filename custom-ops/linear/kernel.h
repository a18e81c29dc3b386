// y = x W + b and its gradients as blocked matrix products; rows (tokens) are the independent items. `across` says that
// the weight is stored transposed, [E, D].
#pragma once
#include "native/gemm.h"

namespace bmojo {

// Below this many rows (a decode step) packing the weight costs more than it saves.
constexpr int kFewRows = 4;

static inline void linearFewRows(const float* x, const float* weight, const float* bias, float* y, int rows, int D,
                                 int E, bool across) {
  for (int row = 0; row < rows; row++) {
    const float* xr = x + (int64_t)row * D;
    float* yr = y + (int64_t)row * E;
    for (int e = 0; e < E; e++) yr[e] = bias ? bias[e] : 0.0f;
    if (across) {
      for (int e = 0; e < E; e++) yr[e] += dot(xr, weight + (int64_t)e * D, D);
    } else {
      for (int d = 0; d < D; d++) axpy(yr, weight + (int64_t)d * E, xr[d], E);
    }
  }
}

static inline void linearForward(const float* x, const float* weight, const float* bias, float* y, float* scratch,
                                 int begin, int end, int D, int E, bool across) {
  const float* xs = x + (int64_t)begin * D;
  float* ys = y + (int64_t)begin * E;
  int rows = end - begin;
  if (rows <= kFewRows) return linearFewRows(xs, weight, bias, ys, rows, D, E, across);
  Matrix w = across ? transposed(weight, D) : rowMajor(weight, E);
  gemm(rowMajor(xs, D), w, ys, E, rows, E, D, Into::fresh, bias, scratch);
}

// gradWeight and gradBias are added to, so that every range of rows can have its own.
static inline void linearBackward(const float* x, const float* weight, const float* gradY, float* gradX,
                                  float* gradWeight, float* gradBias, float* scratch, int begin, int end, int D, int E,
                                  bool across) {
  const float* xs = x + (int64_t)begin * D;
  const float* gs = gradY + (int64_t)begin * E;
  int rows = end - begin;
  float* out = gradX + (int64_t)begin * D;
  Matrix back = across ? rowMajor(weight, D) : transposed(weight, E);
  gemm(rowMajor(gs, E), back, out, D, rows, D, E, Into::fresh, nullptr, scratch);
  if (across) gemm(transposed(gs, E), rowMajor(xs, D), gradWeight, D, E, D, rows, Into::sum, nullptr, scratch);
  else gemm(transposed(xs, D), rowMajor(gs, E), gradWeight, E, D, E, rows, Into::sum, nullptr, scratch);
  if (!gradBias) return;
  for (int row = 0; row < rows; row++) axpy(gradBias, gs + (int64_t)row * E, 1.0f, E);
}

}  // namespace bmojo

BMOJO_EXPORT(linear_forward)
void linear_forward(const float* x, const float* weight, const float* bias, float* y, float* scratch, int rows, int D,
                    int E, int across) {
  bmojo::linearForward(x, weight, bias, y, scratch, 0, rows, D, E, across);
}

BMOJO_EXPORT(linear_backward)
void linear_backward(const float* x, const float* weight, const float*, const float* gradY, float* gradX,
                     float* gradWeight, float* gradBias, float* scratch, int rows, int D, int E, int across) {
  bmojo::fill(gradWeight, 0, D * E);
  if (gradBias) bmojo::fill(gradBias, 0, E);
  bmojo::linearBackward(x, weight, gradY, gradX, gradWeight, gradBias, scratch, 0, rows, D, E, across);
}
