// Sizes of retrievedAttention on CUDA, and teams of lanes that hold rows of Dh numbers by fours.
#pragma once
#include "native/cuda/device.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

struct RetrievedProblem {
  int B, L, M, H, G, Dh, R;
  const float *q, *k, *v;
  const int* rows;
  float scale;
};

inline RetrievedProblem retrievedProblem(const Call& call) {
  using P = ports::RetrievedAttentionForward;
  using S = P::Scalar;
  RetrievedProblem p = {};
  p.B = call.integer(S::B), p.L = call.integer(S::L), p.M = call.integer(S::M), p.H = call.integer(S::H);
  p.G = call.integer(S::G), p.Dh = call.integer(S::Dh), p.R = call.integer(S::R);
  p.q = call.in(P::q), p.k = call.in(P::k), p.v = call.in(P::v), p.rows = call.inInt(P::rows);
  p.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(p.Dh)));
  return p;
}

__device__ inline float dot4(const float4& a, const float4& b) {
  return fmaf(a.w, b.w, fmaf(a.z, b.z, fmaf(a.y, b.y, a.x * b.x)));
}
__device__ inline void addScaled(float4& sum, float factor, const float4& x) {
  sum.x = fmaf(factor, x.x, sum.x), sum.y = fmaf(factor, x.y, sum.y);
  sum.z = fmaf(factor, x.z, sum.z), sum.w = fmaf(factor, x.w, sum.w);
}
__device__ inline void scaleBy(float4& x, float factor) { x.x *= factor, x.y *= factor, x.z *= factor, x.w *= factor; }

// Four numbers of a row from d on, zeros beyond its end; kWide: rows are aligned and divide into fours.
template <bool kWide>
__device__ inline float4 loadFour(const float* row, int d, int Dh) {
  if constexpr (kWide) return d < Dh ? *reinterpret_cast<const float4*>(row + d) : make_float4(0, 0, 0, 0);
  return make_float4(d < Dh ? row[d] : 0, d + 1 < Dh ? row[d + 1] : 0, d + 2 < Dh ? row[d + 2] : 0,
                     d + 3 < Dh ? row[d + 3] : 0);
}

// Of the row that begins at `at`; zeros for an empty place, since no weight makes a NaN nothing.
template <bool kWide>
__device__ inline float4 loadNamed(const float* rows, int64_t at, int d, int Dh) {
  return at < 0 ? make_float4(0, 0, 0, 0) : loadFour<kWide>(rows + at, d, Dh);
}

template <bool kWide>
__device__ inline void storeFour(float* row, int d, int Dh, const float4& x) {
  if constexpr (kWide) {
    if (d < Dh) *reinterpret_cast<float4*>(row + d) = x;
    return;
  }
  if (d < Dh) row[d] = x.x;
  if (d + 1 < Dh) row[d + 1] = x.y;
  if (d + 2 < Dh) row[d + 2] = x.z;
  if (d + 3 < Dh) row[d + 3] = x.w;
}

// Lanes that share a query and head.
constexpr int kTeam = 8;
constexpr int kTeamThreads = 128;

__device__ inline float teamSum(float x) {
#pragma unroll
  for (int m = kTeam / 2; m > 0; m /= 2) x += __shfl_xor_sync(kAll, x, m);
  return x;
}

// The query and head of a team, and where the rows that it names stand. Threads beyond the last take part with the last
// one's, and write nothing.
struct TeamQuery {
  int64_t row, firstPlace, firstKey;
  int lane, group;
  bool isOwn;

  __device__ explicit TeamQuery(const RetrievedProblem& p) {
    const int64_t all = static_cast<int64_t>(p.B) * p.L * p.H;
    const int64_t asked = (static_cast<int64_t>(blockIdx.x) * kTeamThreads + threadIdx.x) / kTeam;
    lane = threadIdx.x % kTeam;
    isOwn = asked < all;
    row = isOwn ? asked : all - 1;
    group = static_cast<int>(row % p.H) / (p.H / p.G);
    firstPlace = (row / p.H * p.G + group) * p.R;
    firstKey = row / p.H / p.L * p.M;
  }

  // Where the row begins that a place names; -1 where it is empty.
  __device__ int64_t keyAt(const RetrievedProblem& p, int named) const {
    return named < 0 ? -1 : ((firstKey + named) * p.G + group) * p.Dh;
  }
};

inline dim3 teamGrid(const RetrievedProblem& p) {
  return dim3(static_cast<unsigned>(ceilDiv(static_cast<int64_t>(p.B) * p.L * p.H * kTeam, kTeamThreads)));
}

}  // namespace bmojo::cuda
