// Products and rows of halves, which are widened in registers. A word holds two, the earlier one in the lower bits, so that on
// a machine that stores the lower byte first a row is an array of halves. All of them are finite.
#pragma once
#include "native/simd.h"

#if defined(__F16C__)
#include <immintrin.h>
#endif

namespace bmojo::half {

// In the order of the attribute's words.
enum class Format { float16, bfloat16 };

typedef int16_t Shorts __attribute__((vector_size(2 * BMOJO_LANES), aligned(2)));

static inline Vec select(IntVec mask, Vec a, Vec b) { return mask ? a : b; }

// Exponents move from one bias to the other by an addition. Subnormals get one more, and lose what it added: there is no
// subnormal float on the way, which processors are slow with or take for 0.
static inline Vec widenFloat16(IntVec halves) {
  const IntVec magnitude = (halves & 0x7fff) << 13;
  const Vec normal = (Vec)(magnitude + (112 << 23));
  const Vec subnormal = (Vec)(magnitude + (113 << 23)) - 0x1p-14f;
  const Vec number = select(magnitude < 1 << 23, subnormal, normal);
  return (Vec)((IntVec)number | (halves & 0x8000) << 16);
}

template <Format format>
static inline Vec widen(const uint16_t* p) {
  const Shorts halves = *(const Shorts*)p;
  if constexpr (format == Format::bfloat16) return (Vec)(__builtin_convertvector(halves, IntVec) << 16);
#if defined(__AVX512F__)
  return (Vec)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)p));
#elif defined(__F16C__) && BMOJO_LANES == 8
  return (Vec)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)p));
#else
  return widenFloat16(__builtin_convertvector(halves, IntVec));
#endif
}

#if defined(__wasm__)
typedef uint16_t Eight __attribute__((vector_size(16)));

static inline Eight loadEight(const uint16_t* p) {
  typedef uint16_t Loose __attribute__((vector_size(16), aligned(2)));
  return *(const Loose*)p;
}
#endif

// Two vectors of neighbours.
struct Pair {
  Vec low, high;
};

// Whether `widenPair` need not look for subnormals at offset i of some rows: one in 400 of the weights of most models is one,
// so that one question for all rows is answered by yes nearly always.
template <Format format, int count>
static inline bool areNormal(const uint16_t* const* rows, int i) {
#if defined(__wasm__)
  if constexpr (format == Format::float16) {
    Eight least = loadEight(rows[0] + i) & 0x7c00;
    for (int k = 1; k < count; k++) {
      const Eight exponents = loadEight(rows[k] + i) & 0x7c00;
      least = exponents < least ? exponents : least;
    }
    return __builtin_wasm_all_true_i16x8(least);
  }
#endif
  return true;
}

template <Format format, bool normal>
static inline Pair widenPair(const uint16_t* p) {
#if defined(__wasm__)
  if constexpr (normal) {
    // The upper and the lower half of each float, by eights, and then both together.
    const Eight halves = loadEight(p);
    Eight upper = halves, lower = {};
    if constexpr (format == Format::float16) {
      typedef int16_t Signed __attribute__((vector_size(16)));
      upper = ((Eight)((Signed)halves >> 3) & 0x8fff) + (112 << 7);
      lower = halves << 13;
    }
    return {(Vec)__builtin_shufflevector(lower, upper, 0, 8, 1, 9, 2, 10, 3, 11),
            (Vec)__builtin_shufflevector(lower, upper, 4, 12, 5, 13, 6, 14, 7, 15)};
  }
#endif
  return {widen<format>(p), widen<format>(p + kLanes)};
}

template <Format format>
static inline float widenOne(uint16_t half) {
  uint16_t lanes[kLanes] = {half};
  return widen<format>(lanes)[0];
}

template <Format format>
static inline void widenRow(const uint16_t* from, float* to, int n) {
  int i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    const uint16_t* const row = from;
    const Pair pair = areNormal<format, 1>(&row, i) ? widenPair<format, true>(from + i) : widenPair<format, false>(from + i);
    store(to + i, pair.low);
    store(to + i + kLanes, pair.high);
  }
  for (; i < n; i++) to[i] = widenOne<format>(from[i]);
}

// A weight: rows of `columns` halves, each of whole words.
struct Weight {
  const uint16_t* halves;
  int columns;
  const uint16_t* row(int64_t r) const { return halves + r * ((columns + 1) / 2 * 2); }
};

constexpr int kStep = 2 * kLanes;

// y [rows, e..e + kStep) += scalars times `depth` rows of the weight, added one after the other, as axpy does.
template <Format format, int rows, int depth, bool normal>
static inline void addStep(const float (&scalars)[rows][depth], const uint16_t* const (&at)[depth], float* y, int E, int e) {
  Vec low[rows], high[rows];
  BMOJO_UNROLL for (int r = 0; r < rows; r++) {
    low[r] = load(y + (int64_t)r * E + e);
    high[r] = load(y + (int64_t)r * E + e + kLanes);
  }
  BMOJO_UNROLL for (int k = 0; k < depth; k++) {
    const Pair pair = widenPair<format, normal>(at[k] + e);
    BMOJO_UNROLL for (int r = 0; r < rows; r++) {
      low[r] += scalars[r][k] * pair.low;
      high[r] += scalars[r][k] * pair.high;
    }
  }
  BMOJO_UNROLL for (int r = 0; r < rows; r++) {
    store(y + (int64_t)r * E + e, low[r]);
    store(y + (int64_t)r * E + e + kLanes, high[r]);
  }
}

// y [rows, from..to) += x [rows, D] times `depth` rows of the weight from `first` on.
template <Format format, int rows, int depth>
static inline void addRows(const float* x, const Weight& w, float* y, int first, int D, int E, int from, int to) {
  const uint16_t* at[depth];
  float scalars[rows][depth];
  for (int k = 0; k < depth; k++) {
    at[k] = w.row(first + k);
    for (int r = 0; r < rows; r++) scalars[r][k] = x[(int64_t)r * D + first + k];
  }
  int e = from;
  for (; e + kStep <= to; e += kStep) {
    if (areNormal<format, depth>(at, e)) addStep<format, rows, depth, true>(scalars, at, y, E, e);
    else addStep<format, rows, depth, false>(scalars, at, y, E, e);
  }
  for (; e < to; e++)
    for (int k = 0; k < depth; k++) {
      const float number = widenOne<format>(at[k][e]);
      for (int r = 0; r < rows; r++) y[(int64_t)r * E + e] += scalars[r][k] * number;
    }
}

// Columns [from, to) of y = x W + b for `rows` rows.
template <Format format, int rows>
static inline void alongColumns(const float* x, const Weight& w, const float* bias, float* y, int D, int E, int from,
                                int to) {
  constexpr int kDepth = 4;
  for (int r = 0; r < rows; r++)
    for (int e = from; e < to; e++) y[(int64_t)r * E + e] = bias ? bias[e] : 0.0f;
  int d = 0;
  for (; d + kDepth <= D; d += kDepth) addRows<format, rows, kDepth>(x, w, y, d, D, E, from, to);
  for (; d < D; d++) addRows<format, rows, 1>(x, w, y, d, D, E, from, to);
}

// Adds numbers [i, i + kStep) to the products of `rows` rows of x with `lines` rows of the weight, in the lanes of dot.
template <Format format, int rows, int lines, bool normal>
static inline void dotStep(const float* x, const uint16_t* const (&at)[lines], Vec (&total)[lines][rows], int D, int i) {
  BMOJO_UNROLL for (int j = 0; j < lines; j++) {
    const Pair pair = widenPair<format, normal>(at[j] + i);
    BMOJO_UNROLL for (int r = 0; r < rows; r++) {
      total[j][r] += load(x + (int64_t)r * D + i) * pair.low;
      total[j][r] += load(x + (int64_t)r * D + i + kLanes) * pair.high;
    }
  }
}

// Products of `rows` rows of x with `lines` rows of the weight from `first` on, each summed as dot does.
template <Format format, int rows, int lines>
static inline void dots(const float* x, const Weight& w, const float* bias, float* y, int first, int D, int E) {
  const uint16_t* at[lines];
  for (int j = 0; j < lines; j++) at[j] = w.row(first + j);
  Vec total[lines][rows] = {};
  int i = 0;
  for (; i + kStep <= D; i += kStep) {
    if (areNormal<format, lines>(at, i)) dotStep<format, rows, lines, true>(x, at, total, D, i);
    else dotStep<format, rows, lines, false>(x, at, total, D, i);
  }
  for (; i + kLanes <= D; i += kLanes)
    for (int j = 0; j < lines; j++) {
      const Vec numbers = widen<format>(at[j] + i);
      for (int r = 0; r < rows; r++) total[j][r] += load(x + (int64_t)r * D + i) * numbers;
    }
  for (int j = 0; j < lines; j++) {
    float tail[kLanes];
    for (int d = i; d < D; d++) tail[d - i] = widenOne<format>(at[j][d]);
    for (int r = 0; r < rows; r++) {
      const float* xs = x + (int64_t)r * D;
      float rest = sum(total[j][r]);
      for (int d = i; d < D; d++) rest += xs[d] * tail[d - i];
      float* out = y + (int64_t)r * E + first + j;
      *out = bias ? bias[first + j] : 0.0f;
      *out += rest;
    }
  }
}

// Columns [from, to) of y = x W^T + b for `rows` rows.
template <Format format, int rows>
static inline void alongRows(const float* x, const Weight& w, const float* bias, float* y, int D, int E, int from,
                             int to) {
  constexpr int kLines = rows == 1 ? 4 : 2;
  int e = from;
  for (; e + kLines <= to; e += kLines) dots<format, rows, kLines>(x, w, bias, y, e, D, E);
  for (; e < to; e++) dots<format, rows, 1>(x, w, bias, y, e, D, E);
}

template <Format format, int rows>
static inline void product(const float* x, const Weight& w, const float* bias, float* y, int D, int E, int from, int to,
                           bool across) {
  if (across) alongRows<format, rows>(x, w, bias, y, D, E, from, to);
  else alongColumns<format, rows>(x, w, bias, y, D, E, from, to);
}

// Columns [from, to) of all rows, up to four of which meet the weight at once. `across`: the weight is stored transposed.
template <Format format>
static inline void linear(const float* x, const Weight& w, const float* bias, float* y, int rows, int D, int E, int from,
                          int to, bool across) {
  for (int r = 0; r < rows; r += 4) {
    const float* xs = x + (int64_t)r * D;
    float* ys = y + (int64_t)r * E;
    const int left = rows - r;
    if (left >= 4) product<format, 4>(xs, w, bias, ys, D, E, from, to, across);
    else if (left == 3) product<format, 3>(xs, w, bias, ys, D, E, from, to, across);
    else if (left == 2) product<format, 2>(xs, w, bias, ys, D, E, from, to, across);
    else product<format, 1>(xs, w, bias, ys, D, E, from, to, across);
  }
}

static inline void linearOf(Format format, const float* x, const int32_t* words, const float* bias, float* y, int rows,
                            int D, int E, int from, int to, bool across) {
  const Weight w = {(const uint16_t*)words, across ? D : E};
  if (format == Format::float16) linear<Format::float16>(x, w, bias, y, rows, D, E, from, to, across);
  else linear<Format::bfloat16>(x, w, bias, y, rows, D, E, from, to, across);
}

// Rows [begin, end) of y: those of the table that `ids` names.
static inline void rowsOf(Format format, const int32_t* table, const int32_t* ids, float* y, int begin, int end,
                          int columns) {
  const Weight w = {(const uint16_t*)table, columns};
  for (int row = begin; row < end; row++) {
    const uint16_t* from = w.row(ids[row]);
    float* to = y + (int64_t)row * columns;
    if (format == Format::float16) widenRow<Format::float16>(from, to, columns);
    else widenRow<Format::bfloat16>(from, to, columns);
  }
}

}  // namespace bmojo::half

BMOJO_EXPORT(linear_half)
void linear_half(const float* x, const int32_t* weight, const float* bias, float* y, int rows, int D, int E, int format) {
  bmojo::half::linearOf((bmojo::half::Format)format, x, weight, bias, y, rows, D, E, 0, E, false);
}

BMOJO_EXPORT(linear_transposed_half)
void linear_transposed_half(const float* x, const int32_t* weight, const float* bias, float* y, int rows, int D, int E,
                            int format) {
  bmojo::half::linearOf((bmojo::half::Format)format, x, weight, bias, y, rows, D, E, 0, E, true);
}

BMOJO_EXPORT(embedding_lookup_half)
void embedding_lookup_half(const int32_t* table, const int32_t* ids, float* y, int tokens, int D, int format) {
  bmojo::half::rowsOf((bmojo::half::Format)format, table, ids, y, 0, tokens, D);
}
