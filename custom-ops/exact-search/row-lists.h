// The lists of best rows, and how one query's rows come into its list.
#pragma once
#include "exact-search/row-products.h"

namespace bmojo::search {

// The score of an empty place.
constexpr float kNoScore = -1e30f;

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

}  // namespace bmojo::search
