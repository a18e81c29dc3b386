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

// gradX of rows [begin, end).
static inline void linearGradInput(const float* weight, const float* gradY, float* gradX, float* scratch, int begin,
                                   int end, int D, int E, bool across) {
  Matrix back = across ? rowMajor(weight, D) : transposed(weight, E);
  gemm(rowMajor(gradY + (int64_t)begin * E, E), back, gradX + (int64_t)begin * D, D, end - begin, D, E, Into::fresh,
       nullptr, scratch);
}

// Rows [from, to) of gradWeight, summed over the rows [begin, end) of x and gradY.
static inline void linearGradWeight(const float* x, const float* gradY, float* gradWeight, float* scratch, int begin,
                                    int end, int from, int to, int D, int E, bool across) {
  const float* xs = x + (int64_t)begin * D;
  const float* gs = gradY + (int64_t)begin * E;
  float* out = gradWeight + (int64_t)from * (across ? D : E);
  if (across) gemm(transposed(gs + from, E), rowMajor(xs, D), out, D, to - from, D, end - begin, Into::fresh, nullptr, scratch);
  else gemm(transposed(xs + from, D), rowMajor(gs, E), out, E, to - from, E, end - begin, Into::fresh, nullptr, scratch);
}

static inline void linearGradBias(const float* gradY, float* gradBias, int begin, int end, int E) {
  fill(gradBias, 0, E);
  for (int row = begin; row < end; row++) axpy(gradBias, gradY + (int64_t)row * E, 1.0f, E);
}

// All rows at once.
static inline void linearBackward(const float* x, const float* weight, const float* gradY, float* gradX,
                                  float* gradWeight, float* gradBias, float* scratch, int rows, int D, int E,
                                  bool across) {
  linearGradInput(weight, gradY, gradX, scratch, 0, rows, D, E, across);
  linearGradWeight(x, gradY, gradWeight, scratch, 0, rows, 0, across ? E : D, D, E, across);
  if (gradBias) linearGradBias(gradY, gradBias, 0, rows, E);
}

}  // namespace bmojo

BMOJO_EXPORT(linear_forward)
void linear_forward(const float* x, const float* weight, const float* bias, float* y, float* scratch, int rows, int D,
                    int E) {
  bmojo::linearForward(x, weight, bias, y, scratch, 0, rows, D, E, false);
}

BMOJO_EXPORT(linear_transposed_forward)
void linear_transposed_forward(const float* x, const float* weight, const float* bias, float* y, float* scratch,
                               int rows, int D, int E) {
  bmojo::linearForward(x, weight, bias, y, scratch, 0, rows, D, E, true);
}

BMOJO_EXPORT(linear_backward)
void linear_backward(const float* x, const float* weight, const float*, const float* gradY, float* gradX,
                     float* gradWeight, float* gradBias, float* scratch, int rows, int D, int E) {
  bmojo::linearBackward(x, weight, gradY, gradX, gradWeight, gradBias, scratch, rows, D, E, false);
}

BMOJO_EXPORT(linear_transposed_backward)
void linear_transposed_backward(const float* x, const float* weight, const float*, const float* gradY, float* gradX,
                                float* gradWeight, float* gradBias, float* scratch, int rows, int D, int E) {
  bmojo::linearBackward(x, weight, gradY, gradX, gradWeight, gradBias, scratch, rows, D, E, true);
}
