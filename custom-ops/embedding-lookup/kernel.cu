// Rows of a table by index on CUDA. Backward, a block owns a range of the table's rows: it reads all ids, keeps the
// tokens of its range in their order, sorts them by row in shared memory and adds them up, each row's in the order of the
// tokens: no atomics, the same sums every time.
#include "native/cuda/elementwise.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

namespace {

// A negative index gives NaN.
template <int kWidth>
__global__ void forwardKernel(const float* __restrict__ table, const int32_t* __restrict__ ids, float* __restrict__ y,
                              int64_t packs, int D) {
  const int packsOfRow = D / kWidth;
  for (int64_t i = firstElement(); i < packs; i += elementStride()) {
    const int id = ids[i / packsOfRow];
    Pack<kWidth> row;
#pragma unroll
    for (int k = 0; k < kWidth; k++) row.x[k] = NAN;
    if (id >= 0) row = loadPack<kWidth>(table + static_cast<int64_t>(id) * D + i % packsOfRow * kWidth);
    storePack<kWidth>(y + i * kWidth, row);
  }
}

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
// Tokens that a thread looks at before the block compares notes.
constexpr int kLook = 4;
constexpr int kTileTokens = kThreads * kLook;
// Tokens that a block keeps before it adds them up.
constexpr int kKept = 2048;
constexpr int kMostRows = 64;
// Ranges are as small as about this many blocks make them.
constexpr int kBlocks = 1024;

int rowsOfBlock(int V) { return static_cast<int>(min(ceilDiv(V, kBlocks), static_cast<int64_t>(kMostRows))); }

struct Kept {
  int token[kKept], sorted[kKept], start[kMostRows + 1], warpCount[kWarps];
  uint8_t row[kKept];
};

// Appends this tile's tokens of rows [firstRow, firstRow + rows) to those kept; returns the new count.
__device__ inline int keepTile(Kept& kept, int count, const int32_t* ids, int begin, int tokens, int firstRow, int rows) {
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  int row[kLook], own = 0;
#pragma unroll
  for (int k = 0; k < kLook; k++) {
    const int token = begin + static_cast<int>(threadIdx.x) * kLook + k;
    row[k] = token < tokens ? ids[token] - firstRow : -1;
    if (row[k] >= rows) row[k] = -1;
    if (row[k] >= 0) own++;
  }
  if (!__syncthreads_or(own)) return count;
  int upTo = own;
#pragma unroll
  for (int m = 1; m < kWarp; m *= 2) {
    const int below = __shfl_sync(kAll, upTo, max(lane - m, 0));
    if (lane >= m) upTo += below;
  }
  if (lane == kWarp - 1) kept.warpCount[warp] = upTo;
  __syncthreads();
  int at = count + upTo - own, total = count;
#pragma unroll
  for (int w = 0; w < kWarps; w++) {
    if (w < warp) at += kept.warpCount[w];
    total += kept.warpCount[w];
  }
#pragma unroll
  for (int k = 0; k < kLook; k++) {
    if (row[k] < 0) continue;
    kept.token[at] = begin + static_cast<int>(threadIdx.x) * kLook + k;
    kept.row[at++] = static_cast<uint8_t>(row[k]);
  }
  __syncthreads();
  return total;
}

// Sorts the kept tokens by row; start[r] is where row r begins. A warp looks for one row at a time.
__device__ inline void sortKept(Kept& kept, int count, int rows) {
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  for (int row = warp; row < rows; row += kWarps) {
    int found = 0;
    for (int at = 0; at < count; at += kWarp) {
      found += __popc(__ballot_sync(kAll, at + lane < count && kept.row[at + lane] == row));
    }
    if (lane == 0) kept.start[row + 1] = found;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    kept.start[0] = 0;
    for (int row = 0; row < rows; row++) kept.start[row + 1] += kept.start[row];
  }
  __syncthreads();
  for (int row = warp; row < rows; row += kWarps) {
    int to = kept.start[row];
    if (to == kept.start[row + 1]) continue;
    for (int at = 0; at < count; at += kWarp) {
      const bool isMatch = at + lane < count && kept.row[at + lane] == row;
      const unsigned matches = __ballot_sync(kAll, isMatch);
      if (isMatch) kept.sorted[to + __popc(matches & ((1u << lane) - 1))] = kept.token[at + lane];
      to += __popc(matches);
    }
  }
  __syncthreads();
}

// Adds the kept tokens' rows of gradY to the table's rows, or sets those (isFirst). Threads of a group share a row.
template <int kWidth>
__device__ inline void addKept(const Kept& kept, const float* gradY, float* gradTable, int firstRow, int rows, int D,
                               bool isFirst) {
  constexpr int kAhead = 4;
  const int packs = D / kWidth, group = min(packs, kThreads), groups = kThreads / group;
  const int ownGroup = static_cast<int>(threadIdx.x) / group;
  if (ownGroup >= groups) return;
  for (int row = ownGroup; row < rows; row += groups) {
    const int begin = kept.start[row], end = kept.start[row + 1];
    if (begin == end && !isFirst) continue;
    for (int pack = static_cast<int>(threadIdx.x) % group; pack < packs; pack += group) {
      float* const to = gradTable + static_cast<int64_t>(firstRow + row) * D + pack * kWidth;
      Pack<kWidth> sum = {};
      if (!isFirst) sum = loadPack<kWidth>(to);
      for (int i = begin; i < end; i += kAhead) {
        Pack<kWidth> next[kAhead] = {};
#pragma unroll
        for (int k = 0; k < kAhead; k++) {
          if (i + k >= end) break;
          next[k] = loadPack<kWidth>(gradY + static_cast<int64_t>(kept.sorted[i + k]) * D + pack * kWidth);
        }
#pragma unroll
        for (int k = 0; k < kAhead; k++) {
#pragma unroll
          for (int j = 0; j < kWidth; j++) sum.x[j] += next[k].x[j];
        }
      }
      storePack<kWidth>(to, sum);
    }
  }
}

template <int kWidth>
__global__ void __launch_bounds__(kThreads)
backwardKernel(const int32_t* __restrict__ ids, const float* __restrict__ gradY, float* gradTable, int tokens, int V,
               int D, int rowsEach) {
  __shared__ Kept kept;
  const int firstRow = static_cast<int>(blockIdx.x) * rowsEach, rows = min(rowsEach, V - firstRow);
  int count = 0;
  bool isFirst = true;
  for (int begin = 0; begin < tokens; begin += kTileTokens) {
    if (count + kTileTokens > kKept) {
      sortKept(kept, count, rows);
      addKept<kWidth>(kept, gradY, gradTable, firstRow, rows, D, isFirst);
      __syncthreads();
      isFirst = false;
      count = 0;
    }
    count = keepTile(kept, count, ids, begin, tokens, firstRow, rows);
  }
  sortKept(kept, count, rows);
  addKept<kWidth>(kept, gradY, gradTable, firstRow, rows, D, isFirst);
}

cudaError_t runForward(const Call& call) {
  using P = ports::EmbeddingLookupForward;
  using S = P::Scalar;
  const int64_t tokens = call.integer(S::BL);
  const int D = call.integer(S::D);
  const float* table = call.in(P::table);
  float* y = call.out(P::y);
  if (D % 4 == 0 && isAligned16(table) && isAligned16(y)) {
    return launch(forwardKernel<4>, elementGrid(tokens * D / 4), kElementThreads, 0, call.stream, table,
                  call.inInt(P::ids), y, tokens * D / 4, D);
  }
  return launch(forwardKernel<1>, elementGrid(tokens * D), kElementThreads, 0, call.stream, table, call.inInt(P::ids),
                y, tokens * D, D);
}

cudaError_t runBackward(const Call& call) {
  using P = ports::EmbeddingLookupBackward;
  using S = P::Scalar;
  const int tokens = call.integer(S::BL), V = call.integer(S::V), D = call.integer(S::D);
  const int rows = rowsOfBlock(V);
  const dim3 grid(static_cast<unsigned>(ceilDiv(V, rows)));
  const bool isWide = D % 4 == 0 && isAligned16(call.in(P::gradY)) && isAligned16(call.out(P::gradTable));
  return launch(isWide ? backwardKernel<4> : backwardKernel<1>, grid, kThreads, 0, call.stream, call.inInt(P::ids),
                call.in(P::gradY), call.out(P::gradTable), tokens, V, D, rows);
}

}  // namespace

const Kernel embeddingLookupForward = {runForward};
const Kernel embeddingLookupBackward = {runBackward};

}  // namespace bmojo::cuda
