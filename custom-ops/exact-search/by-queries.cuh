// Many queries: a thread owns one, and a block's threads, consecutive queries of a group, meet tiles of rows in shared
// memory. Each keeps its list in the places of its results and the last score in a register.
#pragma once
#include "exact-search/problem.cuh"

namespace bmojo::cuda {

constexpr int kQueriesOfBlock = 64;

inline int64_t queryBlocks(const SearchProblem& p) {
  return static_cast<int64_t>(p.B) * p.G * ceilDiv(p.L, kQueriesOfBlock);
}

// kFours: vectors of four that hold a row.
template <int kFours, bool kWide>
__global__ void __launch_bounds__(kQueriesOfBlock)
searchQueriesKernel(SearchProblem p, int blocks, int* __restrict__ allRows, float* __restrict__ allScores) {
  constexpr int kTile = 32, kAtOnce = 4;
  __shared__ float4 tile[kTile][kFours];
  const int block = static_cast<int>(blockIdx.x) % blocks, g = static_cast<int>(blockIdx.x) / blocks % p.G;
  const int b = static_cast<int>(blockIdx.x) / blocks / p.G;
  const int query = block * kQueriesOfBlock + static_cast<int>(threadIdx.x);
  const int lastQuery = min(p.L, (block + 1) * kQueriesOfBlock) - 1;
  const bool isOwn = query <= lastQuery;
  const int64_t queryRow = (static_cast<int64_t>(b) * p.L + min(query, lastQuery)) * p.G + g;
  int* const rows = allRows + queryRow * p.R;
  float* const scores = allScores + queryRow * p.R;
  float4 own[kFours];
#pragma unroll
  for (int v = 0; v < kFours; v++) own[v] = loadFour<kWide>(p.q + queryRow * p.Dh, v * 4, p.Dh);
  if (isOwn) {
    for (int r = 0; r < p.R; r++) rows[r] = -1, scores[r] = kNoScore;
  }
  const int64_t stride = static_cast<int64_t>(p.G) * p.Dh;
  const float* const k = p.k + (static_cast<int64_t>(b) * p.N * p.G + g) * p.Dh;
  float last = kNoScore;
  // Limits never fall from a query to the next.
  const int limit = isOwn ? rowLimit(p, query) : 0, end = rowLimit(p, lastQuery);
  for (int begin = 0; begin < end; begin += kTile) {
    __syncthreads();
    for (int i = threadIdx.x; i < kTile * kFours; i += kQueriesOfBlock) {
      const int row = min(begin + i / kFours, end - 1);
      tile[i / kFours][i % kFours] = loadFour<kWide>(k + row * stride, i % kFours * 4, p.Dh);
    }
    __syncthreads();
    for (int at = 0; at < kTile && begin + at < limit; at += kAtOnce) {
      float products[kAtOnce] = {};
#pragma unroll
      for (int v = 0; v < kFours; v++) {
#pragma unroll
        for (int i = 0; i < kAtOnce; i++) products[i] = addProduct(products[i], own[v], tile[at + i][v]);
      }
#pragma unroll
      for (int i = 0; i < kAtOnce; i++) {
        const int row = begin + at + i;
        if (!(products[i] > last) || row >= limit || !isAdmitted(p, b, row)) continue;
        int place = p.R - 1;
        for (; place > 0 && scores[place - 1] < products[i]; place--) {
          scores[place] = scores[place - 1];
          rows[place] = rows[place - 1];
        }
        scores[place] = products[i];
        rows[place] = row;
        last = scores[p.R - 1];
      }
    }
  }
}

}  // namespace bmojo::cuda
