// Sizes and inputs of the selective scan, and what both directions need of a block of channels and its tokens.
#pragma once
#include "native/simd.h"

namespace bmojo {

#define BMOJO_SCAN_LOOP static __attribute__((noinline)) void

struct ScanSizes {
  int B, L, E, N, chunk, softplus;
};

struct ScanInputs {
  const float *u, *delta, *A, *B, *C, *D, *z, *deltaBias, *initialState;
};

// Rows are E floats apart, too far for processors to foresee: the rows of later tokens are asked for early.
constexpr int kRowsAhead = 16;
#if defined(__wasm__)
static inline void fetchAhead(const float*, int64_t, int) {}
#else
static inline void fetchAhead(const float* rows, int64_t at, int E) {
  if (rows) __builtin_prefetch(rows + at + (int64_t)kRowsAhead * E);
}
#endif

// rows[n] = the block's lanes of a [E, N] matrix. Lanes are counted up to a constant: one whose number the compiler does not
// know would go through memory and wait for it.
static inline void gatherRows(const float* matrix, int N, int lanes, Vec* rows) {
  for (int n = 0; n < N; n++) {
    Vec row = {};
    for (int i = 0; i < kLanes && matrix; i++) {
      if (i < lanes) row[i] = matrix[(int64_t)i * N + n];
    }
    rows[n] = row;
  }
}

static inline void scatterRows(float* matrix, int N, int lanes, const Vec* rows) {
  for (int n = 0; n < N; n++) {
    for (int i = 0; i < kLanes; i++) {
      if (i < lanes) matrix[(int64_t)i * N + n] = rows[n][i];
    }
  }
}

// Decay rates in powers of two: exp(step A) = 2^(step rate).
static inline void gatherRates(const float* A, int N, int lanes, Vec* rates) {
  gatherRows(A, N, lanes, rates);
  for (int n = 0; n < N; n++) rates[n] *= kLog2e;
}

static inline const float* offsetOf(const float* p, int64_t offset) { return p ? p + offset : nullptr; }

// Tokens [begin, end), one chunk, of batch row b in channels e .. e+lanes-1.
struct ScanBlock {
  const ScanInputs& in;
  const ScanSizes& s;
  int b, e, lanes, begin, end;
  Vec bias, skip;

  ScanBlock(const ScanInputs& in, const ScanSizes& s, int b, int e, int begin)
      : in(in), s(s), b(b), e(e), lanes(s.E - e < kLanes ? s.E - e : kLanes), begin(begin),
        end(s.L - begin < s.chunk ? s.L : begin + s.chunk), bias(in.deltaBias ? loadPart(in.deltaBias + e, lanes) : Vec{}),
        skip(in.D ? loadPart(in.D + e, lanes) : Vec{}) {}

  int64_t row(int t) const { return (int64_t)b * s.L + t; }
  int64_t at(int t) const { return row(t) * s.E + e; }
  const float* writes(int t) const { return in.B + row(t) * s.N; }
  const float* reads(int t) const { return in.C + row(t) * s.N; }
  // Of the saved states [B, S, E, N].
  int64_t start() const { return (((int64_t)b * ((s.L + s.chunk - 1) / s.chunk) + begin / s.chunk) * s.E + e) * s.N; }
};

// One token of a block: what it brings to its states, and the sum that it reads from them (first the skip).
struct ScanToken {
  Vec step, input, sum;
};

struct ScanStep {
  Vec u, rootSlope;
};

// The root of the step's slope and u are for the gradient alone.
static inline ScanStep scanToken(const ScanBlock& block, int t, ScanToken& token) {
  const Vec u = loadPart(block.in.u + block.at(t), block.lanes);
  Softplus step = {loadPart(block.in.delta + block.at(t), block.lanes) + block.bias, splat(1.0f)};
  if (block.s.softplus) step = vsoftplus(step.value);
  token = {step.value, step.value * u, block.skip * u};
  return {u, step.rootSlope};
}

// kTokens tokens forwards, 4 or 1: decays first, whose long chains of operations then overlap, then the states. Token k's
// decays are left at decays + k stride. Its states go to state + (k+1) stride with kKeep, else back to `state`. kN: the state
// size when it is known at compile time, 0 otherwise.
template <int kN, int kTokens, bool kKeep>
BMOJO_SCAN_LOOP scanForth(const Vec* rates, Vec* state, Vec* decays, int stride, const float* writes, const float* reads,
                          ScanToken* tokens, int size) {
  const int N = kN ? kN : size;
  for (int k = 0; k < kTokens; k++) {
    const Vec step = tokens[k].step;
    for (int n = 0; n < N; n++) decays[k * stride + n] = vpower2(step * rates[n]);
  }
  Vec input[kTokens], sum[kTokens];
  for (int k = 0; k < kTokens; k++) {
    input[k] = tokens[k].input;
    sum[k] = tokens[k].sum;
  }
  for (int n = 0; n < N; n++) {
    Vec h = state[n];
    for (int k = 0; k < kTokens; k++) {
      h = decays[k * stride + n] * h + input[k] * writes[k * N + n];
      sum[k] += h * reads[k * N + n];
      if (kKeep) state[(k + 1) * stride + n] = h;
    }
    if (!kKeep) state[n] = h;
  }
  for (int k = 0; k < kTokens; k++) tokens[k].sum = sum[k];
}

}  // namespace bmojo
