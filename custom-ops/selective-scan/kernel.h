// The selective scan; batch rows are independent, lanes are channels. Both directions take one chunk of time of one block of
// channels at a time, in three passes: what tokens need apart from their states, the loops over the states, and what follows
// from the sums over them. The loops over the states are functions of their own, so that their few operands stay in registers.
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

// Channels [begin, end) (begin a multiple of the lanes) of batch rows [beginRow, endRow).
template <int kN>
static inline void scanForward(const ScanInputs& in, float* y, float* finalState, float* chunkStates,
                               const ScanSizes& s, float* scratch, int beginRow, int endRow, int begin, int end) {
  const int N = kN ? kN : s.N;
  Vec *rates = (Vec*)scratch, *state = rates + N, *decays = state + N;
  ScanToken* tokens = (ScanToken*)(decays + 4 * N);
  for (int e = begin; e < end; e += kLanes) {
    const int lanes = s.E - e < kLanes ? s.E - e : kLanes;
    gatherRates(in.A + (int64_t)e * N, N, lanes, rates);
    for (int b = beginRow; b < endRow; b++) {
      gatherRows(offsetOf(in.initialState, ((int64_t)b * s.E + e) * N), N, lanes, state);
      for (int from = 0; from < s.L; from += s.chunk) {
        const ScanBlock block(in, s, b, e, from);
        scatterRows(chunkStates + block.start(), N, lanes, state);
        for (int t = from; t < block.end; t++) {
          fetchAhead(in.u, block.at(t), s.E);
          fetchAhead(in.delta, block.at(t), s.E);
          fetchAhead(in.z, block.at(t), s.E);
          scanToken(block, t, tokens[t - from]);
        }
        int t = from;
        for (; t + 3 < block.end; t += 4)
          scanForth<kN, 4, false>(rates, state, decays, N, block.writes(t), block.reads(t), tokens + (t - from), N);
        for (; t < block.end; t++)
          scanForth<kN, 1, false>(rates, state, decays, N, block.writes(t), block.reads(t), tokens + (t - from), N);
        for (t = from; t < block.end; t++) {
          Vec sum = tokens[t - from].sum;
          if (in.z) {
            const Vec z = loadPart(in.z + block.at(t), lanes);
            sum *= z * vsigmoid(z);
          }
          storePart(y + block.at(t), sum, lanes);
        }
      }
      scatterRows(finalState + ((int64_t)b * s.E + e) * N, N, lanes, state);
    }
  }
}

static inline int scanForwardFloats(const ScanSizes& s) { return kLanes * (6 * s.N + 3 * s.chunk); }

struct ScanGradients {
  float *u, *delta, *A, *B, *C, *D, *z, *deltaBias, *initialState;
};

// Parts, each [N], of what a block of channels has throughout, and of what a token has within its chunk.
struct ScanChannels {
  enum { kRate, kState, kA, kParts };  // decay rates, running gradients of state and A
};
struct ScanRecord {
  enum { kState, kDecay, kB, kC, kParts };  // state after the token, its decays, gradients of its B and C over the blocks
};

// One token on the way back: gradients of its ungated sum and of its gate (but for that sum), and sums over the states.
struct ScanTokenGradient {
  Vec u, rootSlope, sum, gate, step, input;
};

// Gradients of tokens 0, -1 .. -(kTokens-1) from where the pointers stand.
template <int kN, int kTokens>
BMOJO_SCAN_LOOP scanReverse(Vec* channels, Vec* record, const float* writes, const float* reads, const ScanToken* tokens,
                            ScanTokenGradient* grads, int size) {
  const int N = kN ? kN : size, stride = ScanRecord::kParts * N;
  Vec step[kTokens], input[kTokens], gradSum[kTokens], gradInput[kTokens], gradStep[kTokens];
  for (int k = 0; k < kTokens; k++) {
    step[k] = tokens[-k].step;
    input[k] = tokens[-k].input;
    gradSum[k] = grads[-k].sum;
    gradInput[k] = gradStep[k] = Vec{};
  }
  for (int n = 0; n < N; n++) {
    const Vec rate = channels[ScanChannels::kRate * N + n];
    Vec running = channels[ScanChannels::kState * N + n], sumA = channels[ScanChannels::kA * N + n];
    Vec state = record[ScanRecord::kState * N + n];
    for (int k = 0; k < kTokens; k++) {
      Vec* own = record - k * stride + n;
      own[ScanRecord::kC * N] += gradSum[k] * state;
      const Vec g = running + gradSum[k] * reads[n - k * N];
      own[ScanRecord::kB * N] += g * input[k];
      gradInput[k] += g * writes[n - k * N];
      running = g * own[ScanRecord::kDecay * N];
      state = own[ScanRecord::kState * N - stride];
      const Vec gradDecay = running * state;
      gradStep[k] += gradDecay * rate;
      sumA += gradDecay * step[k];
    }
    channels[ScanChannels::kState * N + n] = running;
    channels[ScanChannels::kA * N + n] = sumA;
  }
  for (int k = 0; k < kTokens; k++) {
    grads[-k].step = gradStep[k];
    grads[-k].input = gradInput[k];
  }
}

// Scratch of one thread: what all channels have throughout, and one chunk of one block of them.
struct ScanScratch {
  Vec *channels, *gradD, *gradBias;  // [blocks] of ScanChannels, [blocks], [blocks]
  Vec* records;                      // [1 + chunk] of ScanRecord, of the first the states alone
  ScanToken* tokens;                 // [chunk]
  ScanTokenGradient* grads;          // [chunk]
};

static inline ScanScratch scanScratch(float* memory, const ScanSizes& s) {
  int blocks = (s.E + kLanes - 1) / kLanes;
  ScanScratch scratch;
  scratch.channels = (Vec*)memory;
  scratch.gradD = scratch.channels + blocks * ScanChannels::kParts * s.N;
  scratch.gradBias = scratch.gradD + blocks;
  scratch.records = scratch.gradBias + blocks;
  scratch.tokens = (ScanToken*)(scratch.records + (1 + s.chunk) * ScanRecord::kParts * s.N);
  scratch.grads = (ScanTokenGradient*)(scratch.tokens + s.chunk);
  return scratch;
}

static inline int scanBackwardFloats(const ScanSizes& s) {
  int blocks = (s.E + kLanes - 1) / kLanes;
  return kLanes * (blocks * (3 * s.N + 2) + (1 + s.chunk) * 4 * s.N + 9 * s.chunk);
}

template <int kN>
static inline void scanBackwardBlock(const ScanBlock& block, const float* chunkStates, const float* gradY,
                                     const ScanGradients& grads, const ScanScratch& scratch) {
  const ScanInputs& in = block.in;
  const int N = kN ? kN : block.s.N, stride = ScanRecord::kParts * N, lanes = block.lanes, begin = block.begin;
  Vec* channels = scratch.channels + block.e / kLanes * ScanChannels::kParts * N;
  gatherRows(chunkStates + block.start(), N, lanes, scratch.records);
  for (int t = begin; t < block.end; t++) {
    ScanTokenGradient& grad = scratch.grads[t - begin];
    const ScanStep step = scanToken(block, t, scratch.tokens[t - begin]);
    grad.u = step.u;
    grad.rootSlope = step.rootSlope;
    grad.sum = loadPart(gradY + block.at(t), lanes);
    if (in.z) {
      const Vec z = loadPart(in.z + block.at(t), lanes), gate = vsigmoid(z);
      grad.gate = grad.sum * gate * (1.0f + z * (1.0f - gate));
      grad.sum *= z * gate;
    }
  }

  auto forth = [&](auto loop, int t) {
    Vec* before = scratch.records + (t - begin) * stride;
    loop(channels + ScanChannels::kRate * N, before, before + stride + ScanRecord::kDecay * N, stride, block.writes(t),
         block.reads(t), scratch.tokens + (t - begin), N);
  };
  int t = begin;
  for (; t + 3 < block.end; t += 4) forth(scanForth<kN, 4, true>, t);
  for (; t < block.end; t++) forth(scanForth<kN, 1, true>, t);

  // Two tokens at a time: the running gradients of a state are loaded and stored once for both.
  auto reverse = [&](auto loop, int t) {
    loop(channels, scratch.records + (t - begin + 1) * stride, block.writes(t), block.reads(t),
         scratch.tokens + (t - begin), scratch.grads + (t - begin), N);
  };
  t = block.end - 1;
  if ((block.end - begin) % 2 == 1) reverse(scanReverse<kN, 1>, t--);
  for (; t > begin; t -= 2) reverse(scanReverse<kN, 2>, t);

  Vec gradD = {}, gradBias = {};
  for (t = begin; t < block.end; t++) {
    const ScanToken& token = scratch.tokens[t - begin];
    const ScanTokenGradient& grad = scratch.grads[t - begin];
    const Vec gradDelta = (grad.step * (1.0f / kLog2e) + grad.input * grad.u) * grad.rootSlope * grad.rootSlope;
    gradBias += gradDelta;
    gradD += grad.sum * grad.u;
    storePart(grads.delta + block.at(t), gradDelta, lanes);
    storePart(grads.u + block.at(t), grad.sum * block.skip + grad.input * token.step, lanes);
    if (in.z) storePart(grads.z + block.at(t), grad.gate * token.sum, lanes);
  }
  scratch.gradD[block.e / kLanes] += gradD;
  scratch.gradBias[block.e / kLanes] += gradBias;
}

// Channels [begin, end) (begin a multiple of the lanes) of batch rows [beginRow, endRow). Gradients of what rows share (A,
// D, deltaBias) are written for these rows alone, those of what channels share (B, C) for these channels alone.
template <int kN>
static inline void scanBackward(const ScanInputs& in, const float* chunkStates, const float* gradY,
                                const float* gradFinalState, const ScanGradients& grads, const ScanSizes& s,
                                float* memory, int beginRow, int endRow, int begin, int end) {
  const int N = kN ? kN : s.N;
  const ScanScratch scratch = scanScratch(memory, s);
  auto lanesOf = [&](int e) { return s.E - e < kLanes ? s.E - e : kLanes; };
  auto channelsOf = [&](int e, int part) { return scratch.channels + (e / kLanes * ScanChannels::kParts + part) * N; };
  for (int e = begin; e < end; e += kLanes) {
    gatherRates(in.A + (int64_t)e * N, N, lanesOf(e), channelsOf(e, ScanChannels::kRate));
    for (int n = 0; n < N; n++) channelsOf(e, ScanChannels::kA)[n] = Vec{};
    scratch.gradD[e / kLanes] = scratch.gradBias[e / kLanes] = Vec{};
  }
  for (int b = beginRow; b < endRow; b++) {
    for (int e = begin; e < end; e += kLanes) {
      gatherRows(gradFinalState + ((int64_t)b * s.E + e) * N, N, lanesOf(e), channelsOf(e, ScanChannels::kState));
    }
    for (int from = (s.L - 1) / s.chunk * s.chunk; from >= 0; from -= s.chunk) {
      const int tokens = s.L - from < s.chunk ? s.L - from : s.chunk;
      auto sumsOf = [&](int t, int part) { return scratch.records + ((t + 1) * ScanRecord::kParts + part) * N; };
      for (int t = 0; t < tokens; t++) {
        for (int n = 0; n < N; n++) sumsOf(t, ScanRecord::kB)[n] = sumsOf(t, ScanRecord::kC)[n] = Vec{};
      }
      for (int e = begin; e < end; e += kLanes) {
        scanBackwardBlock<kN>(ScanBlock(in, s, b, e, from), chunkStates, gradY, grads, scratch);
      }
      for (int t = 0; t < tokens; t++) {
        const int64_t at = ((int64_t)b * s.L + from + t) * N;
        for (int n = 0; n < N; n++) {
          grads.B[at + n] = sum(sumsOf(t, ScanRecord::kB)[n]);
          grads.C[at + n] = sum(sumsOf(t, ScanRecord::kC)[n]);
        }
      }
    }
    for (int e = begin; e < end && grads.initialState; e += kLanes) {
      scatterRows(grads.initialState + ((int64_t)b * s.E + e) * N, N, lanesOf(e), channelsOf(e, ScanChannels::kState));
    }
  }
  for (int e = begin; e < end; e += kLanes) {
    scatterRows(grads.A + (int64_t)e * N, N, lanesOf(e), channelsOf(e, ScanChannels::kA));
    if (grads.D) storePart(grads.D + e, scratch.gradD[e / kLanes], lanesOf(e));
    if (grads.deltaBias) storePart(grads.deltaBias + e, scratch.gradBias[e / kLanes], lanesOf(e));
  }
}

}  // namespace bmojo

BMOJO_EXPORT(selective_scan_forward)
void selective_scan_forward(const float* u, const float* delta, const float* A, const float* B, const float* C,
                            const float* D, const float* z, const float* deltaBias, const float* initialState,
                            float* y, float* finalState, float* chunkStates, float* scratch, int batch, int L, int E,
                            int N, int chunk, int softplus) {
  bmojo::ScanInputs in = {u, delta, A, B, C, D, z, deltaBias, initialState};
  bmojo::ScanSizes s = {batch, L, E, N, chunk, softplus};
  if (N == 16) return bmojo::scanForward<16>(in, y, finalState, chunkStates, s, scratch, 0, batch, 0, E);
  bmojo::scanForward<0>(in, y, finalState, chunkStates, s, scratch, 0, batch, 0, E);
}

BMOJO_EXPORT(selective_scan_backward)
void selective_scan_backward(const float* u, const float* delta, const float* A, const float* B, const float* C,
                             const float* D, const float* z, const float* deltaBias, const float* initialState,
                             const float* chunkStates, const float* gradY, const float* gradFinalState, float* gradU,
                             float* gradDelta, float* gradA, float* gradB, float* gradC, float* gradD, float* gradZ,
                             float* gradDeltaBias, float* gradInitialState, float* scratch, int batch, int L, int E,
                             int N, int chunk, int softplus) {
  bmojo::ScanInputs in = {u, delta, A, B, C, D, z, deltaBias, initialState};
  bmojo::ScanSizes s = {batch, L, E, N, chunk, softplus};
  bmojo::ScanGradients grads = {gradU, gradDelta, gradA, gradB, gradC, gradD, gradZ, gradDeltaBias, gradInitialState};
  if (N == 16) return bmojo::scanBackward<16>(in, chunkStates, gradY, gradFinalState, grads, s, scratch, 0, batch, 0, E);
  bmojo::scanBackward<0>(in, chunkStates, gradY, gradFinalState, grads, s, scratch, 0, batch, 0, E);
}
