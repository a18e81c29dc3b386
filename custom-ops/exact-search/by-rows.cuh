// Few queries: blocks share the rows of each query in parts, in the order of the rows, and another merges the parts' lists.
// A list is kept sorted in shared memory; of new scores only those above its last one take part, and each one's place is
// the number of those before it, so that the order of threads changes nothing.
#pragma once
#include "exact-search/problem.cuh"

namespace bmojo::cuda {

constexpr int kListThreads = 256;
constexpr int kMostCount = 1024;
// Lanes that share a row, and rows that they meet at once.
constexpr int kTeam = 8;
// Rows of a part, about; parts of a query, at most, and of all queries, about.
constexpr int kRowsOfPart = 1024;
constexpr int kMostParts = 1024;
constexpr int kAllParts = 2048;

inline int partsOf(const SearchProblem& p) {
  const int64_t lists = static_cast<int64_t>(p.B) * p.L * p.G;
  const int64_t most = lists >= kAllParts ? 1 : kAllParts / lists < kMostParts ? kAllParts / lists : kMostParts;
  const int64_t parts = ceilDiv(p.N, kRowsOfPart);
  return static_cast<int>(parts < most ? parts : most);
}

// Rows of a part: whole steps of a block.
inline int rowsOfPart(const SearchProblem& p) {
  return static_cast<int>(ceilDiv(ceilDiv(p.N, partsOf(p)), kListThreads) * kListThreads);
}

struct KeptList {
  float scores[kMostCount];
  int rows[kMostCount];
  float newScores[kListThreads];
  int newRows[kListThreads];
  int added;

  __device__ void clear(int length) {
    for (int i = threadIdx.x; i < length; i += kListThreads) {
      scores[i] = kNoScore;
      rows[i] = -1;
    }
    __syncthreads();
  }

  // Every thread brings a row, newer than those kept.
  __device__ void keep(int length, float score, int row, bool mayBeKept) {
    const bool isAbove = mayBeKept && score > scores[length - 1];
    if (!__syncthreads_or(isAbove)) return;
    if (threadIdx.x == 0) added = 0;
    __syncthreads();
    if (isAbove) {
      const int at = atomicAdd(&added, 1);
      newScores[at] = score;
      newRows[at] = row;
    }
    __syncthreads();
    constexpr int kEntries = kMostCount / kListThreads;
    float oldScore[kEntries];
    int oldRow[kEntries], place[kEntries];
#pragma unroll
    for (int n = 0; n < kEntries; n++) {
      const int i = n * kListThreads + threadIdx.x;
      place[n] = length;
      if (i >= length) continue;
      oldScore[n] = scores[i], oldRow[n] = rows[i], place[n] = i;
      for (int j = 0; j < added; j++) place[n] += newScores[j] > oldScore[n] ? 1 : 0;
    }
    float ownScore = 0.0f;
    int ownRow = -1, ownPlace = length;
    if (static_cast<int>(threadIdx.x) < added) {
      ownScore = newScores[threadIdx.x], ownRow = newRows[threadIdx.x], ownPlace = 0;
      for (int j = 0; j < added; j++) {
        ownPlace += newScores[j] > ownScore || (newScores[j] == ownScore && newRows[j] < ownRow) ? 1 : 0;
      }
      for (int i = 0; i < length && scores[i] >= ownScore; i++) ownPlace++;
    }
    __syncthreads();
#pragma unroll
    for (int n = 0; n < kEntries; n++) {
      if (place[n] < length) scores[place[n]] = oldScore[n], rows[place[n]] = oldRow[n];
    }
    if (ownPlace < length) scores[ownPlace] = ownScore, rows[ownPlace] = ownRow;
    __syncthreads();
  }

  __device__ void write(int length, float* toScores, int* toRows) const {
    for (int i = threadIdx.x; i < length; i += kListThreads) {
      toScores[i] = scores[i];
      toRows[i] = rows[i];
    }
  }
};

// A block for each part of each query; lists [B, L, G, parts, R].
template <bool kWide>
__global__ void __launch_bounds__(kListThreads)
searchPartsKernel(SearchProblem p, int parts, int rowsEach, int* __restrict__ rows, float* __restrict__ scores) {
  __shared__ KeptList list;
  BMOJO_SHARED(own);
  const int part = static_cast<int>(blockIdx.x) % parts, queryRow = static_cast<int>(blockIdx.x) / parts;
  const int g = queryRow % p.G, query = queryRow / p.G % p.L, b = queryRow / p.G / p.L;
  const int lane = threadIdx.x % kTeam, steps = (p.Dh + 4 * kTeam - 1) / (4 * kTeam);
  for (int d = threadIdx.x; d < steps * 4 * kTeam; d += kListThreads) {
    own[d] = d < p.Dh ? p.q[static_cast<int64_t>(queryRow) * p.Dh + d] : 0.0f;
  }
  list.clear(p.R);
  const int64_t stride = static_cast<int64_t>(p.G) * p.Dh;
  const float* const k = p.k + (static_cast<int64_t>(b) * p.N * p.G + g) * p.Dh;
  const int64_t first = static_cast<int64_t>(part) * rowsEach;
  const int limit = rowLimit(p, query), end = static_cast<int>(first + rowsEach < limit ? first + rowsEach : limit);
  for (int begin = static_cast<int>(first < end ? first : end); begin < end; begin += kListThreads) {
    const int row = begin + static_cast<int>(threadIdx.x), firstOfTeam = row - lane;
    float products[kTeam] = {};
    for (int step = 0; step < steps; step++) {
      const int d = (step * kTeam + lane) * 4;
      const float4 x = make_float4(own[d], own[d + 1], own[d + 2], own[d + 3]);
#pragma unroll
      for (int j = 0; j < kTeam; j++) {
        const int other = min(firstOfTeam + j, end - 1);
        products[j] = addProduct(products[j], x, loadFour<kWide>(k + other * stride, d, p.Dh));
      }
    }
    const float score = transposedSum<kTeam>(products, lane);
    list.keep(p.R, score, row, row < end && isAdmitted(p, b, row));
  }
  const int64_t to = static_cast<int64_t>(blockIdx.x) * p.R;
  list.write(p.R, scores + to, rows + to);
}

// A block for each query: the best of its parts' entries, which come in the order of their rows where they are equal.
__global__ void __launch_bounds__(kListThreads)
mergePartsKernel(const int* __restrict__ partRows, const float* __restrict__ partScores, int entries, int R,
                 int* __restrict__ rows, float* __restrict__ scores) {
  __shared__ KeptList list;
  list.clear(R);
  const int64_t from = static_cast<int64_t>(blockIdx.x) * entries;
  for (int begin = 0; begin < entries; begin += kListThreads) {
    const int entry = begin + static_cast<int>(threadIdx.x);
    const int64_t at = from + min(entry, entries - 1);
    list.keep(R, partScores[at], partRows[at], entry < entries);
  }
  const int64_t to = static_cast<int64_t>(blockIdx.x) * R;
  list.write(R, scores + to, rows + to);
}

}  // namespace bmojo::cuda
