// The rows with the largest inner products with each query. Every query keeps a sorted list of the best rows so far, in
// the places of its results; rows come in their order, so that at a tie the older one stays before the newer.
#pragma once
#include "exact-search/row-codes.h"
#include "exact-search/row-products.h"

namespace bmojo::search {

// The score of an empty place.
constexpr float kNoScore = -1e30f;

struct SearchSizes {
  int B, L, N, G, Dh, R, window, queryOffset, phase;
};

struct SearchCall {
  SearchSizes sizes;
  const float *q, *k;
  const int* admitted;  // null: all
};

// The best rows of one query, best first.
struct List {
  int* rows;
  float* scores;
  int length;

  float last() const { return scores[length - 1]; }

  void clear() const {
    for (int r = 0; r < length; r++) {
      rows[r] = -1;
      scores[r] = kNoScore;
    }
  }

  // For a score above the last.
  void insert(int row, float score) const {
    int place = length - 1;
    for (; place > 0 && scores[place - 1] < score; place--) {
      rows[place] = rows[place - 1];
      scores[place] = scores[place - 1];
    }
    rows[place] = row;
    scores[place] = score;
  }

  // Adds what a list of newer rows holds.
  void merge(const List& newer) const {
    for (int r = 0; r < newer.length && newer.scores[r] > last(); r++) insert(newer.rows[r], newer.scores[r]);
  }
};

// One past the last row that a query may find.
static inline int rowLimit(const SearchSizes& s, int query) {
  if (s.window == 0) return s.N;
  const int64_t limit = (int64_t)s.queryOffset - s.phase + ((int64_t)(s.phase + query) / s.window - 1) * s.window;
  return limit < 0 ? 0 : limit > s.N ? s.N : (int)limit;
}

// The rows of one group, `stride` numbers apart.
template <typename Number>
struct RowsOf {
  const Number* first;
  int64_t stride;
  const int* admitted;   // null: all
  const uint8_t* gone;   // null: none
  int number;            // of the first row

  bool isAdmitted(int row) const { return (!admitted || admitted[row] != 0) && (!gone || gone[row] == 0); }

  // Four rows from `row` on, the last one again beyond `end`.
  void at(int row, int end, const Number* (&four)[kRowsAtOnce]) const {
    for (int i = 0; i < kRowsAtOnce; i++) four[i] = first + (row + i < end ? row + i : end - 1) * stride;
  }
};

using Rows = RowsOf<float>;

static inline Rows rowsOf(const SearchCall& call, int b, int g) {
  const SearchSizes& s = call.sizes;
  return {call.k + ((int64_t)b * s.N * s.G + g) * s.Dh, (int64_t)s.G * s.Dh,
          call.admitted ? call.admitted + (int64_t)b * s.N : nullptr, nullptr, 0};
}

// Adds rows [from, to) to one query's list; `scale` makes products of rowProducts scores.
template <typename Number>
static inline void searchRows(const RowsOf<Number>& k, const float* q, int Dh, int from, int to, const List& list,
                              float scale = 1) {
  for (int row = from; row < to; row += kRowsAtOnce) {
    const Number* four[kRowsAtOnce];
    k.at(row, to, four);
    const Quad products = rowProducts(q, four, Dh) * scale;
    if (!anyOfQuad(products > list.last())) continue;
    for (int i = 0; i < kRowsAtOnce && row + i < to; i++)
      if (products[i] > list.last() && k.isAdmitted(row + i)) list.insert(k.number + row + i, products[i]);
  }
}

// The same with the rows' codes: those whose bound does not exceed the last of the list are passed over. Where that is not so
// a few times in a row, as of rows that are alike, the rest is scored without asking.
template <typename Number>
static inline void searchCoded(const RowsOf<Number>& k, const RowCodes& codes, const float* q, const QueryCodes& queryCodes,
                               int Dh, int from, int to, const List& list, float scale) {
  constexpr int kMostInVain = 4;
  int row = from;
  for (int inVain = 0; row < to && inVain < kMostInVain; row += kRowsAtOnce) {
    if (mayExceed(codes, queryCodes, Dh, row, to, list.last())) {
      searchRows(k, q, Dh, row, row + kRowsAtOnce < to ? row + kRowsAtOnce : to, list, scale);
      inVain++;
    } else inVain = 0;
  }
  searchRows(k, q, Dh, row, to, list, scale);
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

namespace bmojo::search {

// Queries [n, G, Dh] of a store's search, query i of which may find the first limits[i] rows, with their codes and, for each
// query and group, the codes' scale and spread.
struct StoreQueries {
  const float* q;
  const int16_t* codes;
  const float* bounds;
  const int* limits;
  int n, G, Dh;
};

// A store's rows [G, Dh], numbered from `number` on; without codes those are null.
template <typename Number>
struct StoreRows {
  const Number* keys;
  const int8_t* codes;
  const float* scales;
  const uint8_t* gone;
  int count, number;
};

// Adds rows to the lists [n, G, R] of queries. All queries and groups meet a piece of the rows before the next, so that rows
// come from memory once.
template <typename Number>
static inline void addRows(const StoreQueries& queries, const StoreRows<Number>& rows, float scale, int R, int* found,
                           float* scores) {
  const int G = queries.G, Dh = queries.Dh;
  constexpr int kPieceNumbers = 1 << 15;
  const int fitting = kPieceNumbers / (G * Dh) / kRowsAtOnce * kRowsAtOnce;
  const int piece = fitting < kRowsAtOnce ? kRowsAtOnce : fitting;
  const int64_t stride = (int64_t)G * Dh;
  for (int from = 0; from < rows.count; from += piece) {
    const int to = from + piece < rows.count ? from + piece : rows.count;
    for (int i = 0; i < queries.n; i++) {
      const int end = queries.limits[i] < to ? queries.limits[i] : to;
      for (int g = 0; g < G; g++) {
        const int64_t list = (int64_t)i * G + g;
        const float* q = queries.q + list * Dh;
        const RowsOf<Number> own = {rows.keys + g * Dh, stride, nullptr, rows.gone, rows.number};
        const List best = {found + list * R, scores + list * R, R};
        if (!rows.codes) {
          searchRows(own, q, Dh, from, end, best, scale);
          continue;
        }
        const RowCodes codes = {rows.codes + g * Dh, rows.scales + g, stride, G};
        const QueryCodes queryCodes = {queries.codes + list * Dh, queries.bounds[2 * list], queries.bounds[2 * list + 1]};
        searchCoded(own, codes, q, queryCodes, Dh, from, end, best, scale);
      }
    }
  }
}

}  // namespace bmojo::search

// For stores: writes the codes and scales of `count` rows of Dh numbers, float32 or halves.
BMOJO_EXPORT(exact_search_encode)
void exact_search_encode(const void* keys, int8_t* codes, float* scales, int count, int Dh, int isHalf) {
  using namespace bmojo::search;
  for (int row = 0; row < count; row++) {
    const int64_t at = (int64_t)row * Dh;
    if (isHalf) encodeRow((const Half*)keys + at, Dh, codes + at, scales + row);
    else encodeRow((const float*)keys + at, Dh, codes + at, scales + row);
  }
}

// For stores: adds rows numbered from `number` on, float32 or halves, to lists that are sorted before and after; those marked
// in `gone` are left out. For halves, queries come multiplied by kQueryScale, their codes and bounds do not.
BMOJO_EXPORT(exact_search_add)
void exact_search_add(const float* q, const int16_t* queryCodes, const float* queryBounds, const void* keys,
                      const int8_t* codes, const float* scales, const uint8_t* gone, const int* limits, int* rows,
                      float* scores, int queries, int count, int number, int G, int Dh, int R, int isHalf) {
  using namespace bmojo::search;
  const StoreQueries asked = {q, queryCodes, queryBounds, limits, queries, G, Dh};
  if (isHalf) {
    const StoreRows<Half> stored = {(const Half*)keys, codes, scales, gone, count, number};
    addRows(asked, stored, kProductScale, R, rows, scores);
  } else {
    const StoreRows<float> stored = {(const float*)keys, codes, scales, gone, count, number};
    addRows(asked, stored, 1, R, rows, scores);
  }
}
