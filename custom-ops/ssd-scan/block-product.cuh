// Products of blocks of 64 by 64 on matrix units: four warps with 32 by 32 sums each, tiles of both factors in shared memory.
// Factors are rows in memory and what multiplies them on the way into a tile, so that decays and masks are never stored.
#pragma once
#include "native/cuda/matrix-factors.cuh"

namespace bmojo::cuda {

constexpr int kBlock = 64;
constexpr int kProductThreads = 128;
// How far a tile reaches along the inner dimension.
constexpr int kDepth = 32;
// Floats from line to line of a tile, along the inner dimension and across it: fragments then meet every bank once.
constexpr int kAlongStride = kDepth + 4;
constexpr int kAcrossStride = kBlock + 8;
constexpr int kTileFloats = kBlock * kAlongStride;
static_assert(kTileFloats == kDepth * kAcrossStride, "a tile holds lines of either kind");
// Of shared memory for two tiles, and to pass sums of rows or columns between warps.
constexpr int kProductFloats = 2 * kTileFloats + 2 * kBlock;

// Rows of `width` floats, `stride` apart; `isWide`: all begin at 16 bytes and are whole vectors.
struct Rows {
  const float* first;
  int stride, lines, width;
  bool isWide;

  // Four numbers of a row, 0 beyond its end; of the last row where there is none.
  __device__ float4 fetch(int line, int quad) const {
    const float* const row = first + min(line, lines - 1) * stride;
    const int column = 4 * quad;
    if (isWide) return column < width ? *reinterpret_cast<const float4*>(row + column) : make_float4(0, 0, 0, 0);
    return make_float4(column < width ? row[column] : 0.0f, column + 1 < width ? row[column + 1] : 0.0f,
                       column + 2 < width ? row[column + 2] : 0.0f, column + 3 < width ? row[column + 3] : 0.0f);
  }
  __device__ float2 pair(int line, int column) const {
    const float* const row = first + min(line, lines - 1) * stride;
    return make_float2(column < width ? row[column] : 0.0f, column + 1 < width ? row[column + 1] : 0.0f);
  }
};

__device__ inline void storePair(float* row, int column, int width, bool isWide, float one, float other) {
  if (isWide) {
    if (column < width) *reinterpret_cast<float2*>(row + column) = make_float2(one, other);
    return;
  }
  if (column < width) row[column] = one;
  if (column + 1 < width) row[column + 1] = other;
}

__device__ inline float4 scaled(float4 x, float by) { return make_float4(x.x * by, x.y * by, x.z * by, x.w * by); }
__device__ inline float4 scaled(float4 x, float4 by) {
  return make_float4(x.x * by.x, x.y * by.y, x.z * by.z, x.w * by.w);
}

struct Unweighted {
  __device__ float operator()(int, int) const { return 1.0f; }
};

// kAlong: lines are rows (columns) of the product and run along the inner dimension; otherwise they lie across it. `weight` of a
// line and a quad of it is one float or four.
template <bool kAlong, class Weight>
struct BlockFactor {
  static constexpr int quads = (kAlong ? kDepth : kBlock) / 4;
  static constexpr int stride = kAlong ? kAlongStride : kAcrossStride;
  static constexpr int turns = kBlock * kDepth / 4 / kProductThreads;

  Rows rows;
  // Row (column) of the product where the block begins.
  int begins;
  Weight weight;

  __device__ int line(int turn) const { return (static_cast<int>(threadIdx.x) + turn * kProductThreads) / quads; }
  __device__ int quad(int turn) const { return (static_cast<int>(threadIdx.x) + turn * kProductThreads) % quads; }
  __device__ int lineAt(int turn, int inner) const { return (kAlong ? begins : inner) + line(turn); }
  __device__ int quadAt(int turn, int inner) const { return (kAlong ? inner : begins) / 4 + quad(turn); }

  // What a tile from `inner` on needs; apart from `store`, so that it is on its way while other tiles are multiplied.
  __device__ void fetch(float4 (&held)[turns], int inner) const {
#pragma unroll
    for (int turn = 0; turn < turns; turn++) held[turn] = rows.fetch(lineAt(turn, inner), quadAt(turn, inner));
  }
  __device__ void store(float* tile, const float4 (&held)[turns], int inner) const {
#pragma unroll
    for (int turn = 0; turn < turns; turn++) {
      const int at = lineAt(turn, inner);
      const float4 made = at < rows.lines ? scaled(held[turn], weight(at, quadAt(turn, inner))) : make_float4(0, 0, 0, 0);
      *reinterpret_cast<float4*>(tile + line(turn) * stride + 4 * quad(turn)) = made;
    }
  }
  __device__ static float at(const float* tile, int outer, int inner) {
    return kAlong ? tile[outer * stride + inner] : tile[inner * stride + outer];
  }
};

template <class Weight = Unweighted>
__device__ BlockFactor<true, Weight> along(const Rows& rows, int begins, Weight weight = {}) {
  return {rows, begins, weight};
}
template <class Weight = Unweighted>
__device__ BlockFactor<false, Weight> across(const Rows& rows, int begins, Weight weight = {}) {
  return {rows, begins, weight};
}

// A thread's numbers of a block: rows row + 16 m + 8 i, columns column + 8 n + j, of sums[m][n][2 i + j].
struct BlockThread {
  int lane, warpRow, warpColumn, row, column;

  __device__ BlockThread()
      : lane(threadIdx.x % kWarp), warpRow(threadIdx.x / kWarp / 2), warpColumn(threadIdx.x / kWarp % 2),
        row(warpRow * 32 + lane / 4), column(warpColumn * 32 + lane % 4 * 2) {}

  // visit(row, column, r, n, one, other): two neighbours in the r-th row and n-th pair of columns of the thread.
  template <class Sums, class Visit>
  __device__ void forPairs(Sums& sums, const Visit& visit) const {
#pragma unroll
    for (int m = 0; m < 2; m++) {
#pragma unroll
      for (int i = 0; i < 2; i++) {
#pragma unroll
        for (int n = 0; n < 4; n++) {
          visit(row + 16 * m + 8 * i, column + 8 * n, 2 * m + i, n, sums[m][n][2 * i], sums[m][n][2 * i + 1]);
        }
      }
    }
  }

  // Thread t < 64 gets the sum of row t over the values of all threads, one for each row of theirs.
  __device__ float sumRows(const float (&values)[4], float* passing) const {
#pragma unroll
    for (int r = 0; r < 4; r++) {
      float sum = values[r];
      sum += __shfl_xor_sync(kAll, sum, 1);
      sum += __shfl_xor_sync(kAll, sum, 2);
      if (lane % 4 == 0) passing[warpColumn * kBlock + row + 8 * r] = sum;
    }
    return passed(passing);
  }
  // The same of column t, from two values for each pair of columns.
  __device__ float sumColumns(const float (&values)[4][2], float* passing) const {
#pragma unroll
    for (int n = 0; n < 4; n++) {
#pragma unroll
      for (int j = 0; j < 2; j++) {
        float sum = values[n][j];
#pragma unroll
        for (int m = 4; m < kWarp; m *= 2) sum += __shfl_xor_sync(kAll, sum, m);
        if (lane < 4) passing[warpRow * kBlock + column + 8 * n + j] = sum;
      }
    }
    return passed(passing);
  }

 private:
  __device__ static float passed(const float* passing) {
    __syncthreads();
    const float sum = threadIdx.x < kBlock ? passing[threadIdx.x] + passing[kBlock + threadIdx.x] : 0.0f;
    __syncthreads();
    return sum;
  }
};

using BlockSums = float[2][4][4];

// sums += a b over [from, stop) of the inner dimension, `from` a multiple of kDepth. Matrix units round sums towards zero: each
// tile starts anew, and float32 additions join the tiles. All threads of the block must come here.
template <Precision kPrecision, class A, class B>
__device__ inline void multiplyBlocks(BlockSums& sums, const A& a, const B& b, int from, int stop, float* memory,
                                      const BlockThread& own) {
  float* const tileA = memory;
  float* const tileB = memory + kTileFloats;
  const int outer = own.lane / 4, inner = own.lane % 4;
  float4 heldA[A::turns], heldB[B::turns];
  a.fetch(heldA, from);
  b.fetch(heldB, from);
  for (int begin = from; begin < stop; begin += kDepth) {
    a.store(tileA, heldA, begin);
    b.store(tileB, heldB, begin);
    __syncthreads();
    if (begin + kDepth < stop) {
      a.fetch(heldA, begin + kDepth);
      b.fetch(heldB, begin + kDepth);
    }
    BlockSums tile = {};
#pragma unroll
    for (int k = 0; k < kDepth; k += 8) {
      float right[4][2];
#pragma unroll
      for (int n = 0; n < 4; n++) {
        const int column = own.warpColumn * 32 + 8 * n + outer;
        right[n][0] = B::at(tileB, column, k + inner);
        right[n][1] = B::at(tileB, column, k + inner + 4);
      }
#pragma unroll
      for (int m = 0; m < 2; m++) {
        const int row = own.warpRow * 32 + 16 * m + outer;
        const LeftFactor<kPrecision> left(A::at(tileA, row, k + inner), A::at(tileA, row + 8, k + inner),
                                          A::at(tileA, row, k + inner + 4), A::at(tileA, row + 8, k + inner + 4));
#pragma unroll
        for (int n = 0; n < 4; n++) left.multiplyAdd(tile[m][n], right[n][0], right[n][1]);
      }
    }
#pragma unroll
    for (int m = 0; m < 2; m++) {
#pragma unroll
      for (int n = 0; n < 4; n++) {
#pragma unroll
        for (int i = 0; i < 4; i++) sums[m][n][i] += tile[m][n][i];
      }
    }
    __syncthreads();
  }
}

}  // namespace bmojo::cuda
