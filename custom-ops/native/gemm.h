// C = A B or C += A B in float32: register tiles of 5 rows by two vectors over packed panels, blocked for the caches (the loop
// order of Goto and van de Geijn 2008). One copy serves every orientation: packing takes care of transposes.
#pragma once
#include "native/simd.h"
#include "native/transpose.h"

namespace bmojo {

constexpr int kTileRows = 5;
constexpr int kTileColumns = 2 * kLanes;
// Block sizes: a panel of B (depth x tile) stays in L1, a block of A (rows x depth) and the pack of B in L2.
constexpr int kBlockRows = 60;
constexpr int kBlockDepth = 256;
constexpr int kBlockColumns = 512;

static inline int smaller(int a, int b) { return a < b ? a : b; }
static inline int roundUp(int n, int unit) { return (n + unit - 1) / unit * unit; }

// Scratch for any product: one pack of B, one of A, and the row that C starts from.
constexpr int kPackedB = kBlockDepth * kBlockColumns;
constexpr int kPackedA = kBlockDepth * kBlockRows;
constexpr int kGemmScratch = kPackedB + kPackedA + kBlockColumns;

// A matrix in memory: element (i, j) at data[i * rowStride + j * columnStride], one of the strides being 1.
struct Matrix {
  const float* data;
  int rowStride;
  int columnStride;
};

static inline Matrix rowMajor(const float* data, int columns) { return {data, columns, 1}; }
static inline Matrix transposed(const float* data, int columns) { return {data, 1, columns}; }

// Copies rows [0, depth) and columns [0, width) of b into one panel of `unit` columns, zeros beyond.
template <int unit>
static inline void packPanel(const Matrix& b, float* panel, int depth, int width) {
  if (b.columnStride == 1 && width == unit) {
    for (int k = 0; k < depth; k++) __builtin_memcpy(panel + k * unit, b.data + (int64_t)k * b.rowStride, unit * 4);
    return;
  }
  int first = 0;
  for (; b.rowStride == 1 && first + 4 <= width; first += 4) {
    const float* from = b.data + (int64_t)first * b.columnStride;
    int k = 0;
    for (; k + 4 <= depth; k += 4) transposeQuads(from + k, b.columnStride, panel + k * unit + first, unit);
    for (; k < depth; k++)
      for (int j = 0; j < 4; j++) panel[k * unit + first + j] = from[j * (int64_t)b.columnStride + k];
  }
  for (int j = first; j < unit; j++) {
    const float* from = b.data + (int64_t)j * b.columnStride;
    for (int k = 0; k < depth; k++) panel[k * unit + j] = j < width ? from[(int64_t)k * b.rowStride] : 0.0f;
  }
}

// The same for all panels of whole tiles where rows are contiguous: a few rows at a time from their begin to their end, since
// memory that is read for the first time comes fastest that way.
static inline void packPanels(const Matrix& b, float* panels, int depth, int columns) {
  constexpr int kRows = 8;
  for (int k0 = 0; k0 < depth; k0 += kRows) {
    int rows = smaller(kRows, depth - k0);
    for (int j = 0; j < columns; j += kTileColumns) {
      const float* from = b.data + (int64_t)k0 * b.rowStride + j;
      float* to = panels + j * depth + k0 * kTileColumns;
      for (int k = 0; k < rows; k++, from += b.rowStride, to += kTileColumns) {
        store(to, load(from));
        store(to + kLanes, load(from + kLanes));
      }
    }
  }
}

// Runs of memory as fields: unlike offsets of pointers, theirs fold into WASM's load instructions.
constexpr int kUnroll = 4;
struct PanelRun {
  LooseVec of[kUnroll][2];
};
struct PackedRun {
  float of[kUnroll][kTileRows];
};
struct RowRun {
  float of[kUnroll];
};

// Keeps the compiler for WASM from gathering the loads of several steps, which would spill registers.
static inline void endOfStep() {
#if defined(__wasm__)
  __asm__ volatile("" ::: "memory");
#endif
}

// What a tile of C starts from: row i at data + i * row, which is C itself, or one row for all (row 0).
struct Start {
  const float* data;
  int row;
};

// A tile of C: rows x kTileColumns, `start` plus the product. A is packed, or its row i is a + i * aRow.
template <int rows, bool packedA>
static inline void tile(const float* a, int aRow, const float* panel, Start start, float* c, int cRow, int depth) {
  Vec low[rows], high[rows];
  const float* at[rows];
  for (int i = 0; i < rows; i++) {
    low[i] = load(start.data + i * start.row);
    high[i] = load(start.data + i * start.row + kLanes);
    at[i] = a + i * (packedA ? 1 : aRow);
  }
  auto step = [&](int k) __attribute__((always_inline)) {
    Vec b0 = ((const PanelRun*)panel)->of[k][0], b1 = ((const PanelRun*)panel)->of[k][1];
    for (int i = 0; i < rows; i++) {
      float scalar = packedA ? ((const PackedRun*)a)->of[k][i] : ((const RowRun*)at[i])->of[k];
      low[i] += scalar * b0;
      high[i] += scalar * b1;
    }
    endOfStep();
  };
  auto advance = [&](int steps) __attribute__((always_inline)) {
    panel += steps * kTileColumns;
    if (packedA) a += steps * kTileRows;
    else for (int i = 0; i < rows; i++) at[i] += steps;
  };
  const float* end = panel + depth * kTileColumns;
  const float* runs = panel + depth / kUnroll * kUnroll * kTileColumns;
  while (panel != runs) {
    step(0);
    step(1);
    step(2);
    step(3);
    advance(kUnroll);
  }
#pragma clang loop unroll(disable)
  while (panel != end) {
    step(0);
    advance(1);
  }
  for (int i = 0; i < rows; i++) {
    store(c + i * cRow, low[i]);
    store(c + i * cRow + kLanes, high[i]);
  }
}

template <bool packedA>
static inline void tileOfRows(const float* a, int aRow, const float* panel, Start start, float* c, int cRow,
                              int depth, int rows) {
  if (rows == 5) return tile<5, packedA>(a, aRow, panel, start, c, cRow, depth);
  if (rows == 4) return tile<4, packedA>(a, aRow, panel, start, c, cRow, depth);
  if (rows == 3) return tile<3, packedA>(a, aRow, panel, start, c, cRow, depth);
  if (rows == 2) return tile<2, packedA>(a, aRow, panel, start, c, cRow, depth);
  tile<1, packedA>(a, aRow, panel, start, c, cRow, depth);
}

// One panel of columns for up to kBlockRows rows; a panel narrower than a tile goes through a tile of its own.
template <bool packedA>
static inline void panelOfTiles(const float* a, int aRow, const float* panel, Start start, float* c, int cRow, int rows,
                                int depth, int width) {
  for (int i = 0; i < rows; i += kTileRows) {
    int count = smaller(kTileRows, rows - i);
    const float* from = a + (int64_t)i * (packedA ? kBlockDepth : aRow);
    float* to = c + (int64_t)i * cRow;
    Start first = {start.data + (int64_t)i * start.row, start.row};
    if (width == kTileColumns) {
      tileOfRows<packedA>(from, aRow, panel, first, to, cRow, depth, count);
      continue;
    }
    float edge[kTileRows * kTileColumns];
    for (int r = 0; r < count; r++)
      for (int j = 0; j < kTileColumns; j++) edge[r * kTileColumns + j] = j < width ? first.data[r * first.row + j] : 0.0f;
    tileOfRows<packedA>(from, aRow, panel, {edge, kTileColumns}, edge, kTileColumns, depth, count);
    for (int r = 0; r < count; r++)
      for (int j = 0; j < width; j++) to[r * cRow + j] = edge[r * kTileColumns + j];
  }
}

enum class Into { sum, fresh };

// c [m, n], rows cRow apart, = a [m, depth] b [depth, n] plus what c holds (sum) or a bias [n] (fresh; null for none).
// `scratch` holds kGemmScratch floats.
__attribute__((noinline)) static void gemm(const Matrix& a, const Matrix& b, float* c, int cRow, int m, int n, int depth,
                                           Into into, const float* bias, float* scratch) {
  float* packedB = scratch;
  float* packedA = scratch + kPackedB;
  float* startRow = packedA + kPackedA;
  for (int n0 = 0; n0 < n; n0 += kBlockColumns) {
    int columns = smaller(kBlockColumns, n - n0);
    for (int j = 0; j < columns; j++) startRow[j] = bias ? bias[n0 + j] : 0.0f;
    for (int k0 = 0; k0 < depth; k0 += kBlockDepth) {
      int d = smaller(kBlockDepth, depth - k0);
      int packed = 0;
      if (b.columnStride == 1) {
        packed = columns / kTileColumns * kTileColumns;
        packPanels({b.data + (int64_t)k0 * b.rowStride + n0, b.rowStride, 1}, packedB, d, packed);
      }
      for (int j = packed; j < columns; j += kTileColumns) {
        Matrix from = b;
        from.data += (int64_t)k0 * b.rowStride + (int64_t)(n0 + j) * b.columnStride;
        packPanel<kTileColumns>(from, packedB + j * d, d, smaller(kTileColumns, columns - j));
      }
      for (int m0 = 0; m0 < m; m0 += kBlockRows) {
        int rows = smaller(kBlockRows, m - m0);
        const float* block = a.data + (int64_t)m0 * a.rowStride + (int64_t)k0 * a.columnStride;
        if (a.columnStride != 1) {
          for (int i = 0; i < rows; i += kTileRows) {
            Matrix from = {block + (int64_t)i * a.rowStride, a.columnStride, a.rowStride};
            packPanel<kTileRows>(from, packedA + i * kBlockDepth, d, smaller(kTileRows, rows - i));
          }
        }
        for (int j = 0; j < columns; j += kTileColumns) {
          int width = smaller(kTileColumns, columns - j);
          float* to = c + (int64_t)m0 * cRow + n0 + j;
          const float* panel = packedB + j * d;
          bool begins = into == Into::fresh && k0 == 0;
          Start start = begins ? Start{startRow + j, 0} : Start{to, cRow};
          if (a.columnStride == 1) panelOfTiles<false>(block, a.rowStride, panel, start, to, cRow, rows, d, width);
          else panelOfTiles<true>(packedA, 1, panel, start, to, cRow, rows, d, width);
        }
      }
    }
  }
}

}  // namespace bmojo
