// C += A B in float32: register tiles of 4 rows by two vectors over packed panels, blocked for the caches (the loop
// order of Goto and van de Geijn 2008). One copy serves every orientation: packing takes care of transposes.
#pragma once
#include "native/simd.h"

namespace bmojo {

constexpr int kTileRows = 4;
constexpr int kTileColumns = 2 * kLanes;
// Block sizes: a panel of B (depth x tile) stays in L1, a block of A (rows x depth) and the pack of B in L2.
constexpr int kBlockRows = 64;
constexpr int kBlockDepth = 256;
constexpr int kBlockColumns = 512;

static inline int smaller(int a, int b) { return a < b ? a : b; }
static inline int roundUp(int n, int unit) { return (n + unit - 1) / unit * unit; }

// Scratch for any product: one pack of B, then one of A.
constexpr int kPackedB = kBlockDepth * kBlockColumns;
constexpr int kGemmScratch = kPackedB + kBlockDepth * kBlockRows;

// A matrix in memory: element (i, j) at data[i * rowStride + j * columnStride], one of the strides being 1.
struct Matrix {
  const float* data;
  int rowStride;
  int columnStride;
};

static inline Matrix rowMajor(const float* data, int columns) { return {data, columns, 1}; }
static inline Matrix transposed(const float* data, int columns) { return {data, 1, columns}; }

// Copies rows [0, depth) and columns [0, width) of b into one panel of `unit` columns, zeros beyond.
static inline void packPanel(const Matrix& b, float* panel, int depth, int width, int unit) {
  if (b.columnStride == 1 && width == unit) {
    for (int k = 0; k < depth; k++)
      for (int j = 0; j < unit; j += 4)
        __builtin_memcpy(panel + k * unit + j, b.data + (int64_t)k * b.rowStride + j, 16);
    return;
  }
  for (int j = 0; j < unit; j++) {
    const float* from = b.data + (int64_t)j * b.columnStride;
    for (int k = 0; k < depth; k++) panel[k * unit + j] = j < width ? from[(int64_t)k * b.rowStride] : 0.0f;
  }
}

// A tile of C: rows x kTileColumns, added to what c holds. Row i of A is a + i * aRow with steps of aDepth along k.
template <int rows, bool packedA>
static inline void tile(const float* a, int aRow, const float* panel, float* c, int cRow, int depth) {
  Vec low[rows], high[rows];
  for (int i = 0; i < rows; i++) {
    low[i] = load(c + i * cRow);
    high[i] = load(c + i * cRow + kLanes);
  }
  const int rowStep = packedA ? 1 : aRow;
  const int depthStep = packedA ? kTileRows : 1;
#pragma clang loop unroll_count(4)
  for (int k = 0; k < depth; k++) {
    Vec b0 = load(panel), b1 = load(panel + kLanes);
    panel += kTileColumns;
    for (int i = 0; i < rows; i++) {
      float scalar = a[i * rowStep + k * depthStep];
      low[i] += scalar * b0;
      high[i] += scalar * b1;
    }
  }
  for (int i = 0; i < rows; i++) {
    store(c + i * cRow, low[i]);
    store(c + i * cRow + kLanes, high[i]);
  }
}

template <bool packedA>
static inline void tileOfRows(const float* a, int aRow, const float* panel, float* c, int cRow, int depth, int rows) {
  if (rows == 4) return tile<4, packedA>(a, aRow, panel, c, cRow, depth);
  if (rows == 3) return tile<3, packedA>(a, aRow, panel, c, cRow, depth);
  if (rows == 2) return tile<2, packedA>(a, aRow, panel, c, cRow, depth);
  tile<1, packedA>(a, aRow, panel, c, cRow, depth);
}

// One panel of columns for up to kBlockRows rows; a panel narrower than a tile goes through a tile of its own.
template <bool packedA>
static inline void panelOfTiles(const float* a, int aRow, const float* panel, float* c, int cRow, int rows, int depth,
                                int width) {
  for (int i = 0; i < rows; i += kTileRows) {
    int count = smaller(kTileRows, rows - i);
    const float* from = a + (int64_t)i * (packedA ? kBlockDepth : aRow);
    float* to = c + (int64_t)i * cRow;
    if (width == kTileColumns) {
      tileOfRows<packedA>(from, aRow, panel, to, cRow, depth, count);
      continue;
    }
    float edge[kTileRows * kTileColumns];
    for (int r = 0; r < count; r++)
      for (int j = 0; j < kTileColumns; j++) edge[r * kTileColumns + j] = j < width ? to[r * cRow + j] : 0.0f;
    tileOfRows<packedA>(from, aRow, panel, edge, kTileColumns, depth, count);
    for (int r = 0; r < count; r++)
      for (int j = 0; j < width; j++) to[r * cRow + j] = edge[r * kTileColumns + j];
  }
}

// c [m, n], rows cRow apart, += a [m, depth] b [depth, n]. `scratch` holds kGemmScratch floats.
__attribute__((noinline)) static void gemm(const Matrix& a, const Matrix& b, float* c, int cRow, int m, int n, int depth, float* scratch) {
  float* packedB = scratch;
  float* packedA = scratch + kPackedB;
  for (int n0 = 0; n0 < n; n0 += kBlockColumns) {
    int columns = smaller(kBlockColumns, n - n0);
    for (int k0 = 0; k0 < depth; k0 += kBlockDepth) {
      int d = smaller(kBlockDepth, depth - k0);
      for (int j = 0; j < columns; j += kTileColumns) {
        Matrix from = b;
        from.data += (int64_t)k0 * b.rowStride + (int64_t)(n0 + j) * b.columnStride;
        packPanel(from, packedB + j * d, d, smaller(kTileColumns, columns - j), kTileColumns);
      }
      for (int m0 = 0; m0 < m; m0 += kBlockRows) {
        int rows = smaller(kBlockRows, m - m0);
        const float* block = a.data + (int64_t)m0 * a.rowStride + (int64_t)k0 * a.columnStride;
        if (a.columnStride != 1) {
          for (int i = 0; i < rows; i += kTileRows) {
            Matrix from = {block + (int64_t)i * a.rowStride, a.columnStride, a.rowStride};
            packPanel(from, packedA + i * kBlockDepth, d, smaller(kTileRows, rows - i), kTileRows);
          }
        }
        for (int j = 0; j < columns; j += kTileColumns) {
          int width = smaller(kTileColumns, columns - j);
          float* to = c + (int64_t)m0 * cRow + n0 + j;
          const float* panel = packedB + j * d;
          if (a.columnStride == 1) panelOfTiles<false>(block, a.rowStride, panel, to, cRow, rows, d, width);
          else panelOfTiles<true>(packedA, 1, panel, to, cRow, rows, d, width);
        }
      }
    }
  }
}

}  // namespace bmojo
