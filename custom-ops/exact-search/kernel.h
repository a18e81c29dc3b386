// The rows with the largest inner products with each query. Every query keeps a sorted list of the best rows so far, in
// the places of its results; rows come in their order, so that at a tie the older one stays before the newer.
#pragma once
#include "exact-search/row-lists.h"
#include "exact-search/row-products.h"
#include "exact-search/stored-rows.h"

namespace bmojo::search {

struct SearchSizes {
  int B, L, N, G, Dh, R, window, queryOffset, phase;
};

struct SearchCall {
  SearchSizes sizes;
  const float *q, *k;
  const int* admitted;  // null: all
};

// One past the last row that a query may find.
static inline int rowLimit(const SearchSizes& s, int query) {
  if (s.window == 0) return s.N;
  const int64_t limit = (int64_t)s.queryOffset - s.phase + ((int64_t)(s.phase + query) / s.window - 1) * s.window;
  return limit < 0 ? 0 : limit > s.N ? s.N : (int)limit;
}

using Rows = RowsOf<float>;

static inline Rows rowsOf(const SearchCall& call, int b, int g) {
  const SearchSizes& s = call.sizes;
  return {call.k + ((int64_t)b * s.N * s.G + g) * s.Dh, (int64_t)s.G * s.Dh,
          call.admitted ? call.admitted + (int64_t)b * s.N : nullptr, nullptr, 0};
}

// Up to kBlockQueries consecutive queries of one batch row and group: where the first one's row of q and its list stand.
// `scratch` holds Dh * kBlockQueries floats.
struct QueryBlock {
  const float* q;
  int first, count;
  int* rows;
  float* scores;
  float* scratch;

  List list(const SearchSizes& s, int i) const {
    const int64_t at = (int64_t)i * s.G * s.R;
    return {rows + at, scores + at, s.R};
  }
};

// A few queries: each with four rows at once, piece by piece, so that a piece's rows are in the cache for all of them.
static inline void searchByRows(const SearchSizes& s, const Rows& k, const QueryBlock& block, int from, int to) {
  constexpr int kPiece = 256;
  for (int row = from; row < to; row += kPiece) {
    for (int i = 0; i < block.count; i++) {
      const int limit = rowLimit(s, block.first + i), end = row + kPiece < to ? row + kPiece : to;
      searchRows(k, block.q + (int64_t)i * s.G * s.Dh, s.Dh, row, end < limit ? end : limit, block.list(s, i));
    }
  }
}

// Many: each row with all queries at once.
static inline void searchByBlock(const SearchSizes& s, const Rows& k, const QueryBlock& block, int from, int to) {
  float* transposed = block.scratch;
  float last[kBlockQueries];
  int limits[kBlockQueries] = {};
  for (int i = 0; i < kBlockQueries; i++) {
    const bool isQuery = i < block.count;
    last[i] = isQuery ? block.list(s, i).last() : __builtin_inff();
    if (isQuery) limits[i] = rowLimit(s, block.first + i);
    for (int d = 0; d < s.Dh; d++)
      transposed[d * kBlockQueries + i] = isQuery ? block.q[(int64_t)i * s.G * s.Dh + d] : 0;
  }
  // Limits never fall from a query to the next.
  const int end = to < limits[block.count - 1] ? to : limits[block.count - 1];
  for (int row = from; row < end; row += kRowsAtOnce) {
    const float* four[kRowsAtOnce];
    k.at(row, end, four);
    Vec products[kRowsAtOnce][kBlockVectors];
    blockProducts(transposed, four, s.Dh, products);
    IntVec above = {};
    for (int v = 0; v < kBlockVectors; v++)
      for (int i = 0; i < kRowsAtOnce; i++) above |= products[i][v] > load(last + v * kLanes);
    if (!anyOf(above)) continue;
    for (int i = 0; i < kRowsAtOnce && row + i < end; i++) {
      if (!k.isAdmitted(row + i)) continue;
      float scores[kBlockQueries];
      for (int v = 0; v < kBlockVectors; v++) store(scores + v * kLanes, products[i][v]);
      for (int query = 0; query < block.count; query++) {
        if (!(scores[query] > last[query]) || row + i >= limits[query]) continue;
        const List list = block.list(s, query);
        list.insert(k.number + row + i, scores[query]);
        last[query] = list.last();
      }
    }
  }
}

// Adds rows [from, to) to the lists of a block's queries.
static inline void searchBlock(const SearchSizes& s, const Rows& k, const QueryBlock& block, int from, int to) {
  if (2 * block.count <= kBlockQueries) searchByRows(s, k, block, from, to);
  else searchByBlock(s, k, block, from, to);
}

// Floats of scratch for one thread.
static inline int searchScratch(int Dh) { return Dh * kBlockQueries; }

static inline int blocksOf(const SearchSizes& s) { return (s.L + kBlockQueries - 1) / kBlockQueries; }

// Block `number` of batch row b and group g, its lists in arrays [B, L, G, R].
static inline QueryBlock blockAt(const SearchCall& call, int b, int g, int number, int* rows, float* scores,
                                 float* scratch) {
  const SearchSizes& s = call.sizes;
  const int first = number * kBlockQueries, count = s.L - first < kBlockQueries ? s.L - first : kBlockQueries;
  const int64_t at = ((int64_t)b * s.L + first) * s.G + g;
  return {call.q + at * s.Dh, first, count, rows + at * s.R, scores + at * s.R, scratch};
}

static inline void clearLists(const SearchSizes& s, const QueryBlock& block) {
  for (int i = 0; i < block.count; i++) block.list(s, i).clear();
}

}  // namespace bmojo::search

BMOJO_EXPORT(exact_search)
void exact_search(const float* q, const float* k, const int* admitted, int* rows, float* scores, float* scratch, int B,
                  int L, int N, int G, int Dh, int count, int window, int queryOffset, int phase) {
  using namespace bmojo::search;
  const SearchCall call = {{B, L, N, G, Dh, count, window, queryOffset, phase}, q, k, admitted};
  for (int b = 0; b < B; b++) {
    for (int g = 0; g < G; g++) {
      for (int number = 0; number < blocksOf(call.sizes); number++) {
        const QueryBlock block = blockAt(call, b, g, number, rows, scores, scratch);
        clearLists(call.sizes, block);
        searchBlock(call.sizes, rowsOf(call, b, g), block, 0, N);
      }
    }
  }
}
