// The selective scan of a block of channels, a chunk of tokens at a time.
#pragma once
#include "selective-scan/block.h"

namespace bmojo {

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

}  // namespace bmojo
