// The search of a store's rows, by their codes where they have some.
#pragma once
#include "exact-search/row-codes.h"
#include "exact-search/row-lists.h"

namespace bmojo::search {

// Adds rows [from, to) to one query's list, as searchRows does. Those whose bound does not exceed the last of the list are
// passed over; where that is not so a few times in a row, as of rows that are alike, the rest is scored without asking.
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
