// The selective scan; batch rows are independent, lanes are channels. Backward walks chunks of time from the last to the
// first: within a chunk every block of channels recomputes its states from the saved start, then goes backwards.
#pragma once
#include "native/simd.h"

namespace bmojo {

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

// One token of a block of channels.
struct ScanToken {
  Vec u, step, slope;
};

static inline ScanToken scanToken(const ScanInputs& in, int64_t at, int e, int lanes, int softplus) {
  ScanToken token;
  token.u = loadPart(in.u + at, lanes);
  Vec raw = loadPart(in.delta + at, lanes);
  if (in.deltaBias) raw += loadPart(in.deltaBias + e, lanes);
  if (!softplus) {
    token.step = raw;
    token.slope = splat(1.0f);
    return token;
  }
  Softplus step = vsoftplus(raw);
  token.step = step.value;
  token.slope = step.slope;
  return token;
}

// rows[n] = the block's lanes of a [E, N] matrix
static inline void gatherRows(const float* matrix, int N, int lanes, Vec* rows) {
  for (int n = 0; n < N; n++) {
    Vec row = {};
    for (int i = 0; i < lanes; i++) row[i] = matrix ? matrix[(int64_t)i * N + n] : 0.0f;
    rows[n] = row;
  }
}

constexpr float kLog2e = 1.44269504088896341f;

// Decay rates in powers of two: exp(step A) = 2^(step rate).
static inline void gatherRates(const float* A, int N, int lanes, Vec* rates) {
  gatherRows(A, N, lanes, rates);
  for (int n = 0; n < N; n++) rates[n] *= kLog2e;
}

static inline void scatterRows(float* matrix, int N, int lanes, const Vec* rows) {
  for (int n = 0; n < N; n++) {
    for (int i = 0; i < lanes; i++) matrix[(int64_t)i * N + n] = rows[n][i];
  }
}

static inline const float* offsetOf(const float* p, int64_t offset) { return p ? p + offset : nullptr; }

// kN: the state size when it is known at compile time, 0 otherwise.
template <int kN>
static inline void scanForwardBlock(const ScanInputs& in, float* y, float* finalState, float* chunkStates,
                                    const ScanSizes& s, int b, int e, Vec* decayRates, Vec* state) {
  const int N = kN ? kN : s.N;
  const int lanes = s.E - e < kLanes ? s.E - e : kLanes;
  const int chunks = (s.L + s.chunk - 1) / s.chunk;
  gatherRates(in.A + (int64_t)e * N, N, lanes, decayRates);
  gatherRows(offsetOf(in.initialState, ((int64_t)b * s.E + e) * N), N, lanes, state);
  Vec skip = in.D ? loadPart(in.D + e, lanes) : Vec{};
  for (int t = 0; t < s.L; t++) {
    if (t % s.chunk == 0) {
      scatterRows(chunkStates + (((int64_t)b * chunks + t / s.chunk) * s.E + e) * N, N, lanes, state);
    }
    const int64_t at = ((int64_t)b * s.L + t) * s.E + e;
    const float* writes = in.B + ((int64_t)b * s.L + t) * N;
    const float* reads = in.C + ((int64_t)b * s.L + t) * N;
    fetchAhead(in.u, at, s.E);
    fetchAhead(in.delta, at, s.E);
    fetchAhead(in.z, at, s.E);
    ScanToken token = scanToken(in, at, e, lanes, s.softplus);
    Vec input = token.step * token.u;
    Vec sum = skip * token.u;
    for (int n = 0; n < N; n++) {
      Power decay = vpower2(token.step * decayRates[n]);
      Vec next = decay.part * (decay.whole * state[n]) + input * writes[n];
      state[n] = next;
      sum += next * reads[n];
    }
    if (in.z) {
      Vec z = loadPart(in.z + at, lanes);
      sum *= z * vsigmoid(z);
    }
    storePart(y + at, sum, lanes);
  }
  scatterRows(finalState + ((int64_t)b * s.E + e) * N, N, lanes, state);
}

// Channels [begin, end) (begin a multiple of the lanes) of batch rows [beginRow, endRow); scratch: 2 N vectors.
template <int kN>
static inline void scanForward(const ScanInputs& in, float* y, float* finalState, float* chunkStates,
                               const ScanSizes& s, float* scratch, int beginRow, int endRow, int begin, int end) {
  Vec* vectors = (Vec*)scratch;
  for (int b = beginRow; b < endRow; b++) {
    for (int e = begin; e < end; e += kLanes) {
      scanForwardBlock<kN>(in, y, finalState, chunkStates, s, b, e, vectors, vectors + s.N);
    }
  }
}

struct ScanGradients {
  float *u, *delta, *A, *B, *C, *D, *z, *deltaBias, *initialState;
};

// Scratch of one thread: running gradients of all channels, and one chunk of states, decays and sums over channels.
struct ScanScratch {
  Vec *gradState, *gradA, *gradD, *gradBias;  // [blocks][N], [blocks][N], [blocks], [blocks]
  Vec *decayRates, *states, *decays, *gradB, *gradC;
  // Of each token: step size, its slope, and the output before skip and gate where there is a gate.
  Vec *steps, *slopes, *sums;
};

static inline ScanScratch scanScratch(float* memory, const ScanSizes& s) {
  int blocks = (s.E + kLanes - 1) / kLanes;
  Vec* at = (Vec*)memory;
  ScanScratch scratch;
  scratch.gradState = at, at += blocks * s.N;
  scratch.gradA = at, at += blocks * s.N;
  scratch.gradD = at, at += blocks;
  scratch.gradBias = at, at += blocks;
  scratch.decayRates = at, at += s.N;
  scratch.states = at, at += (s.chunk + 1) * s.N;
  scratch.decays = at, at += s.chunk * s.N;
  scratch.gradB = at, at += s.chunk * s.N;
  scratch.gradC = at, at += s.chunk * s.N;
  scratch.steps = at, at += s.chunk;
  scratch.slopes = at, at += s.chunk;
  scratch.sums = at;
  return scratch;
}

static inline int scanScratchFloats(const ScanSizes& s) {
  int blocks = (s.E + kLanes - 1) / kLanes;
  return kLanes * (2 * blocks * (s.N + 1) + s.N + (s.chunk + 1) * s.N + s.chunk * (3 * s.N + 3));
}

// A block of channels within a chunk, on the way back.
struct ScanReverse {
  const ScanInputs& in;
  const float* gradY;
  const ScanGradients& grads;
  const ScanScratch& scratch;
  const ScanSizes& s;
  int b, e, lanes, begin;
  Vec skip;
};

// Gradients of tokens t, t-1 .. t-kTokens+1, whose states and decays are in scratch.
template <int kN, int kTokens>
static inline void scanReverse(const ScanReverse& block, int t) {
  const ScanInputs& in = block.in;
  const ScanScratch& scratch = block.scratch;
  const ScanSizes& s = block.s;
  const int N = kN ? kN : s.N, lanes = block.lanes, index = block.e / kLanes;
  const int64_t row = (int64_t)block.b * s.L + t;
  const int64_t at = row * s.E + block.e;
  const float *writes = in.B + row * N, *reads = in.C + row * N;
  const int step0 = t - block.begin;
  const Vec* after = scratch.states + (step0 + 1) * N;
  const Vec* decays = scratch.decays + step0 * N;
  Vec *gradB = scratch.gradB + step0 * N, *gradC = scratch.gradC + step0 * N;
  Vec *gradState = scratch.gradState + index * N, *gradA = scratch.gradA + index * N;
  Vec u[kTokens], step[kTokens], input[kTokens], gradSum[kTokens], gradInput[kTokens], gradStep[kTokens];
  for (int k = 0; k < kTokens; k++) {
    const int64_t own = at - (int64_t)k * s.E;
    u[k] = loadPart(in.u + own, lanes);
    step[k] = scratch.steps[step0 - k];
    input[k] = step[k] * u[k];
    gradSum[k] = loadPart(block.gradY + own, lanes);
    if (in.z) {
      Vec z = loadPart(in.z + own, lanes), gate = vsigmoid(z);
      Vec sum = scratch.sums[step0 - k] + block.skip * u[k];
      storePart(block.grads.z + own, gradSum[k] * sum * gate * (1.0f + z * (1.0f - gate)), lanes);
      gradSum[k] *= z * gate;
    }
    scratch.gradD[index] += gradSum[k] * u[k];
    gradInput[k] = gradStep[k] = Vec{};
  }
  for (int n = 0; n < N; n++) {
    const Vec rate = scratch.decayRates[n];
    Vec running = gradState[n], sumA = gradA[n], state = after[n];
    for (int k = 0; k < kTokens; k++) {
      const int own = n - k * N;
      gradC[own] += gradSum[k] * state;
      Vec g = running + gradSum[k] * reads[own];
      running = g * decays[own];
      state = after[own - N];
      Vec gradDecay = running * state;
      gradStep[k] += gradDecay * rate;
      sumA += gradDecay * step[k];
      gradB[own] += g * input[k];
      gradInput[k] += g * writes[own];
    }
    gradState[n] = running;
    gradA[n] = sumA;
  }
  for (int k = 0; k < kTokens; k++) {
    const int64_t own = at - (int64_t)k * s.E;
    Vec grad = (gradStep[k] * (1.0f / kLog2e) + gradInput[k] * u[k]) * scratch.slopes[step0 - k];
    scratch.gradBias[index] += grad;
    storePart(block.grads.delta + own, grad, lanes);
    storePart(block.grads.u + own, gradSum[k] * block.skip + gradInput[k] * step[k], lanes);
  }
}

// A block of channels within a chunk, on the way to its end.
struct ScanForth {
  const ScanInputs& in;
  const float* gradY;
  const ScanScratch& scratch;
  const ScanSizes& s;
  int b, e, lanes, begin;
};

// States and decays of tokens t .. t+kTokens-1 from the states before them.
template <int kN, int kTokens>
static inline void scanForth(const ScanForth& block, int t) {
  const ScanInputs& in = block.in;
  const ScanScratch& scratch = block.scratch;
  const ScanSizes& s = block.s;
  const int N = kN ? kN : s.N, step0 = t - block.begin;
  const int64_t row = (int64_t)block.b * s.L + t;
  const float *writes = in.B + row * N, *reads = in.C + row * N;
  const Vec* before = scratch.states + step0 * N;
  Vec *after = scratch.states + (step0 + 1) * N, *decays = scratch.decays + step0 * N;
  Vec step[kTokens], input[kTokens], sum[kTokens];
  for (int k = 0; k < kTokens; k++) {
    const int64_t at = (row + k) * s.E + block.e;
    fetchAhead(in.u, at, s.E);
    fetchAhead(in.delta, at, s.E);
    fetchAhead(block.gradY, at, 0);
    fetchAhead(in.z, at, 0);
    ScanToken token = scanToken(in, at, block.e, block.lanes, s.softplus);
    scratch.steps[step0 + k] = step[k] = token.step;
    scratch.slopes[step0 + k] = token.slope;
    input[k] = token.step * token.u;
    sum[k] = Vec{};
  }
  for (int n = 0; n < N; n++) {
    const Vec rate = scratch.decayRates[n];
    Vec state = before[n];
    for (int k = 0; k < kTokens; k++) {
      Power decay = vpower2(step[k] * rate);
      decays[n + k * N] = decay.part * decay.whole;
      state = decay.part * (decay.whole * state) + input[k] * writes[n + k * N];
      after[n + k * N] = state;
      if (in.z) sum[k] += state * reads[n + k * N];
    }
  }
  for (int k = 0; k < kTokens; k++) scratch.sums[step0 + k] = sum[k];
}

template <int kN>
static inline void scanBackwardBlock(const ScanInputs& in, const float* chunkStates, const float* gradY,
                                     const ScanGradients& grads, const ScanScratch& scratch, const ScanSizes& s, int b,
                                     int e, int begin, int end) {
  const int N = kN ? kN : s.N;
  const int lanes = s.E - e < kLanes ? s.E - e : kLanes;
  const int chunks = (s.L + s.chunk - 1) / s.chunk;
  gatherRates(in.A + (int64_t)e * N, N, lanes, scratch.decayRates);
  gatherRows(chunkStates + (((int64_t)b * chunks + begin / s.chunk) * s.E + e) * N, N, lanes, scratch.states);
  const Vec skip = in.D ? loadPart(in.D + e, lanes) : Vec{};
  // Several tokens at a time: rates are loaded and states handed on once for all, and their exponentials overlap.
  ScanForth forth = {in, gradY, scratch, s, b, e, lanes, begin};
  int t = begin;
  for (; t + 3 < end; t += 4) scanForth<kN, 4>(forth, t);
  for (; t < end; t++) scanForth<kN, 1>(forth, t);
  // Two tokens at a time: the running gradients of a state are loaded and stored once for both.
  ScanReverse reverse = {in, gradY, grads, scratch, s, b, e, lanes, begin, skip};
  t = end - 1;
  if ((end - begin) % 2 == 1) scanReverse<kN, 1>(reverse, t--);
  for (; t > begin; t -= 2) scanReverse<kN, 2>(reverse, t);
}

// Channels [begin, end) (begin a multiple of the lanes) of batch rows [beginRow, endRow). Gradients of what rows share (A,
// D, deltaBias) are written for these rows alone, those of what channels share (B, C) for these channels alone.
template <int kN>
static inline void scanBackward(const ScanInputs& in, const float* chunkStates, const float* gradY,
                                const float* gradFinalState, const ScanGradients& grads, const ScanSizes& s,
                                float* memory, int beginRow, int endRow, int begin, int end) {
  const int N = s.N, firstBlock = begin / kLanes, lastBlock = (end + kLanes - 1) / kLanes;
  ScanScratch scratch = scanScratch(memory, s);
  for (int i = firstBlock * N; i < lastBlock * N; i++) scratch.gradA[i] = Vec{};
  for (int i = firstBlock; i < lastBlock; i++) scratch.gradD[i] = scratch.gradBias[i] = Vec{};
  for (int b = beginRow; b < endRow; b++) {
    for (int block = firstBlock; block < lastBlock; block++) {
      int e = block * kLanes;
      gatherRows(gradFinalState + ((int64_t)b * s.E + e) * N, N, s.E - e < kLanes ? s.E - e : kLanes,
                 scratch.gradState + block * N);
    }
    for (int from = (s.L - 1) / s.chunk * s.chunk; from >= 0; from -= s.chunk) {
      int to = from + s.chunk < s.L ? from + s.chunk : s.L;
      for (int i = 0; i < 2 * s.chunk * N; i++) scratch.gradB[i] = Vec{};
      for (int e = begin; e < end; e += kLanes) {
        scanBackwardBlock<kN>(in, chunkStates, gradY, grads, scratch, s, b, e, from, to);
      }
      for (int i = 0; i < (to - from) * N; i++) {
        int64_t at = ((int64_t)b * s.L + from) * N + i;
        grads.B[at] = sum(scratch.gradB[i]);
        grads.C[at] = sum(scratch.gradC[i]);
      }
    }
    for (int e = begin; e < end && grads.initialState; e += kLanes) {
      scatterRows(grads.initialState + ((int64_t)b * s.E + e) * N, N, s.E - e < kLanes ? s.E - e : kLanes,
                  scratch.gradState + e / kLanes * N);
    }
  }
  for (int e = begin; e < end; e += kLanes) {
    int block = e / kLanes, lanes = s.E - e < kLanes ? s.E - e : kLanes;
    scatterRows(grads.A + (int64_t)e * N, N, lanes, scratch.gradA + block * N);
    if (grads.D) storePart(grads.D + e, scratch.gradD[block], lanes);
    if (grads.deltaBias) storePart(grads.deltaBias + e, scratch.gradBias[block], lanes);
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
