// The gradient of the selective scan of a block of channels, chunk by chunk from the last.
#pragma once
#include "selective-scan/block.h"

namespace bmojo {

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
