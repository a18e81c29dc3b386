// Sizes of exactSearch on CUDA, which rows a query may find, and rows by fours.
#pragma once
#include "native/cuda/device.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

// The score of an empty place.
constexpr float kNoScore = -1e30f;

struct SearchProblem {
  int B, L, N, G, Dh, R, window, queryOffset, phase;
  const float *q, *k;
  const int* admitted;
};

inline SearchProblem searchProblem(const Call& call) {
  using P = ports::ExactSearch;
  using S = P::Scalar;
  return {call.integer(S::B),      call.integer(S::L),           call.integer(S::N),     call.integer(S::G),
          call.integer(S::Dh),     call.integer(S::count),       call.integer(S::window), call.integer(S::queryOffset),
          call.integer(S::phase),  call.in(P::q),                call.in(P::k),          call.inInt(P::admitted)};
}

// One past the last row that a query may find.
__device__ inline int rowLimit(const SearchProblem& p, int query) {
  if (p.window == 0) return p.N;
  const int64_t chunk = (static_cast<int64_t>(p.phase) + query) / p.window;
  const int64_t limit = static_cast<int64_t>(p.queryOffset) - p.phase + (chunk - 1) * p.window;
  return static_cast<int>(limit < 0 ? 0 : limit > p.N ? p.N : limit);
}

__device__ inline bool isAdmitted(const SearchProblem& p, int b, int row) {
  return !p.admitted || p.admitted[static_cast<int64_t>(b) * p.N + row] != 0;
}

// Four numbers of a row from d on, zeros beyond its end; kWide: rows are aligned and divide into fours.
template <bool kWide>
__device__ inline float4 loadFour(const float* row, int d, int Dh) {
  if constexpr (kWide) return d < Dh ? *reinterpret_cast<const float4*>(row + d) : make_float4(0, 0, 0, 0);
  return make_float4(d < Dh ? row[d] : 0, d + 1 < Dh ? row[d + 1] : 0, d + 2 < Dh ? row[d + 2] : 0,
                     d + 3 < Dh ? row[d + 3] : 0);
}

__device__ inline float addProduct(float sum, const float4& a, const float4& b) {
  return fmaf(a.w, b.w, fmaf(a.z, b.z, fmaf(a.y, b.y, fmaf(a.x, b.x, sum))));
}

}  // namespace bmojo::cuda
