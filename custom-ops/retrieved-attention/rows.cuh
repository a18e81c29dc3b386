// Gradients of rows: the places that name each row are brought into order, a sort by counting of which one block for each
// sequence and group makes every step, so that nothing depends on which thread comes first; then a block for each row and
// group adds them up.
#pragma once
#include "retrieved-attention/problem.cuh"

namespace bmojo::cuda {

constexpr int kOrderThreads = 256;

struct RowOrder {
  // starts [B, G, M + 1]: where the places of each row begin in order [B, G, L R]; ranks: how many before name the same row.
  int *starts, *ranks, *order;
};

__global__ void __launch_bounds__(kOrderThreads)
orderPlacesKernel(RetrievedProblem p, RowOrder all) {
  __shared__ int rows[kOrderThreads], sums[kOrderThreads];
  const int b = static_cast<int>(blockIdx.x) / p.G, g = static_cast<int>(blockIdx.x) % p.G, places = p.L * p.R;
  const int own = static_cast<int>(threadIdx.x);
  int* const starts = all.starts + static_cast<int64_t>(blockIdx.x) * (p.M + 1);
  int* const ranks = all.ranks + static_cast<int64_t>(blockIdx.x) * places;
  int* const order = all.order + static_cast<int64_t>(blockIdx.x) * places;
  const auto rowOf = [&](int place) {
    return p.rows[((static_cast<int64_t>(b) * p.L + place / p.R) * p.G + g) * p.R + place % p.R];
  };
  for (int row = own; row <= p.M; row += kOrderThreads) starts[row] = 0;
  __syncthreads();
  // Each place's rank among those of its row; starts[m] counts row m's so far.
  for (int begin = 0; begin < places; begin += kOrderThreads) {
    const int row = begin + own < places ? rowOf(begin + own) : -1;
    rows[own] = row;
    __syncthreads();
    int before = 0;
    bool isLast = row >= 0;
    if (row >= 0) {
      before = starts[row];
      for (int other = 0; other < own; other++) before += rows[other] == row ? 1 : 0;
      for (int other = own + 1; other < kOrderThreads && isLast; other++) isLast = rows[other] != row;
      ranks[begin + own] = before;
    }
    __syncthreads();
    if (isLast) starts[row] = before + 1;
    __syncthreads();
  }
  // From counts to where each row's places begin.
  int carried = 0;
  for (int begin = 0; begin <= p.M; begin += kOrderThreads) {
    const int row = begin + own, count = row < p.M ? starts[row] : 0;
    sums[own] = count;
    __syncthreads();
    for (int step = 1; step < kOrderThreads; step *= 2) {
      const int below = own >= step ? sums[own - step] : 0;
      __syncthreads();
      sums[own] += below;
      __syncthreads();
    }
    if (row <= p.M) starts[row] = carried + sums[own] - count;
    carried += sums[kOrderThreads - 1];
    __syncthreads();
  }
  for (int place = own; place < places; place += kOrderThreads) {
    const int row = rowOf(place);
    if (row >= 0) order[starts[row] + ranks[place]] = place;
  }
}

constexpr int kRowThreads = 64;

// A block for each row and group: streams of threads share the places, and their sums are added up in order. kColumns:
// threads of a stream.
template <int kColumns, bool kWide>
__global__ void __launch_bounds__(kRowThreads)
retrievedRowGradientKernel(RetrievedProblem p, const float* __restrict__ gradOut, const float2* __restrict__ parts,
                           RowOrder all, float* __restrict__ gradK, float* __restrict__ gradV) {
  constexpr int kStreams = kRowThreads / kColumns;
  __shared__ float4 keySums[kRowThreads], valueSums[kRowThreads];
  const int g = static_cast<int>(blockIdx.x % p.G), row = static_cast<int>(blockIdx.x / p.G % p.M);
  const int b = static_cast<int>(blockIdx.x / p.G / p.M), list = b * p.G + g, heads = p.H / p.G;
  const int* const starts = all.starts + static_cast<int64_t>(list) * (p.M + 1) + row;
  const int* const order = all.order + static_cast<int64_t>(list) * p.L * p.R;
  const int stream = static_cast<int>(threadIdx.x) / kColumns, d = static_cast<int>(threadIdx.x) % kColumns * 4;
  float4 key = make_float4(0, 0, 0, 0), value = make_float4(0, 0, 0, 0);
  for (int at = starts[0] + stream; at < starts[1]; at += kStreams) {
    const int place = order[at];
    for (int h = g * heads; h < (g + 1) * heads; h++) {
      const int64_t query = (static_cast<int64_t>(b) * p.L + place / p.R) * p.H + h;
      const float2 part = parts[query * p.R + place % p.R];
      addScaled(key, part.y, loadFour<kWide>(p.q + query * p.Dh, d, p.Dh));
      addScaled(value, part.x, loadFour<kWide>(gradOut + query * p.Dh, d, p.Dh));
    }
  }
  keySums[threadIdx.x] = key, valueSums[threadIdx.x] = value;
  __syncthreads();
  if (stream != 0) return;
#pragma unroll
  for (int other = 1; other < kStreams; other++) {
    addScaled(key, 1.0f, keySums[other * kColumns + threadIdx.x]);
    addScaled(value, 1.0f, valueSums[other * kColumns + threadIdx.x]);
  }
  storeFour<kWide>(gradK + static_cast<int64_t>(blockIdx.x) * p.Dh, d, p.Dh, key);
  storeFour<kWide>(gradV + static_cast<int64_t>(blockIdx.x) * p.Dh, d, p.Dh, value);
}

}  // namespace bmojo::cuda
