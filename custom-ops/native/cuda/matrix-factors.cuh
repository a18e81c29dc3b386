// Factors of products on matrix units. A float32 factor is two TF32 numbers, and three products of these keep its accuracy (the
// product of the two small parts is below it).
#pragma once
#include "native/cuda/device.cuh"

namespace bmojo::cuda {

template <Precision kPrecision>
struct Factor {
  unsigned high, low;
  __device__ explicit Factor(float x) {
    if constexpr (kPrecision == Precision::kFloat32) {
      splitTf32(x, high, low);
    } else {
      high = roundTf32(x);
      low = 0;
    }
  }
};

// c += a b, small parts first.
template <Precision kPrecision>
struct LeftFactor {
  unsigned high[4], low[4];
  __device__ LeftFactor(float x0, float x1, float x2, float x3) {
    const Factor<kPrecision> f0(x0), f1(x1), f2(x2), f3(x3);
    high[0] = f0.high, high[1] = f1.high, high[2] = f2.high, high[3] = f3.high;
    low[0] = f0.low, low[1] = f1.low, low[2] = f2.low, low[3] = f3.low;
  }
  __device__ void multiplyAdd(float (&c)[4], float b0, float b1) const {
    const Factor<kPrecision> f0(b0), f1(b1);
    const unsigned bHigh[2] = {f0.high, f1.high}, bLow[2] = {f0.low, f1.low};
    if constexpr (kPrecision == Precision::kFloat32) {
      mmaTf32(c, low, bHigh);
      mmaTf32(c, high, bLow);
    }
    mmaTf32(c, high, bHigh);
  }
};

}  // namespace bmojo::cuda
