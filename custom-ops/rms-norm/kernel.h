// y = x * gain / rms(x), rms over the last axis; rows are independent.
#pragma once
#include "native/simd.h"

namespace bmojo {

static inline void rmsNormForward(const float* x, const float* gain, float* y, float* inverseRms, int begin, int end,
                                  int D, float epsilon) {
  for (int row = begin; row < end; row++) {
    const float* xr = x + (int64_t)row * D;
    float* yr = y + (int64_t)row * D;
    float scale = 1.0f / sqrt1(dot(xr, xr, D) / (float)D + epsilon);
    inverseRms[row] = scale;
    int i = 0;
    for (; i + kLanes <= D; i += kLanes) store(yr + i, load(xr + i) * scale * load(gain + i));
    for (; i < D; i++) yr[i] = xr[i] * scale * gain[i];
  }
}

// gradGain is added to, so that every range of rows can have its own.
static inline void rmsNormBackward(const float* x, const float* gain, const float* inverseRms, const float* gradY,
                                   float* gradX, float* gradGain, int begin, int end, int D) {
  for (int row = begin; row < end; row++) {
    const float* xr = x + (int64_t)row * D;
    const float* gr = gradY + (int64_t)row * D;
    float* out = gradX + (int64_t)row * D;
    float scale = inverseRms[row];
    Vec projections = {};
    float projection = 0;
    int i = 0;
    for (; i + kLanes <= D; i += kLanes) {
      Vec normed = load(xr + i) * scale;
      projections += load(gr + i) * load(gain + i) * normed;
      store(gradGain + i, load(gradGain + i) + load(gr + i) * normed);
    }
    for (; i < D; i++) {
      float normed = xr[i] * scale;
      projection += gr[i] * gain[i] * normed;
      gradGain[i] += gr[i] * normed;
    }
    projection = (projection + sum(projections)) / (float)D;
    for (i = 0; i + kLanes <= D; i += kLanes) {
      store(out + i, scale * (load(gr + i) * load(gain + i) - load(xr + i) * (scale * projection)));
    }
    for (; i < D; i++) out[i] = scale * (gr[i] * gain[i] - xr[i] * scale * projection);
  }
}

}  // namespace bmojo

BMOJO_EXPORT(rms_norm_forward)
void rms_norm_forward(const float* x, const float* gain, float* y, float* inverseRms, int rows, int D, float epsilon) {
  bmojo::rmsNormForward(x, gain, y, inverseRms, 0, rows, D, epsilon);
}

BMOJO_EXPORT(rms_norm_backward)
void rms_norm_backward(const float* x, const float* gain, const float* inverseRms, const float* gradY, float* gradX,
                       float* gradGain, int rows, int D) {
  bmojo::fill(gradGain, 0, D);
  bmojo::rmsNormBackward(x, gain, inverseRms, gradY, gradX, gradGain, 0, rows, D);
}
