// The selective scan; batch rows are independent, lanes are channels. Both directions take one chunk of time of one block of
// channels at a time, in three passes: what tokens need apart from their states, the loops over the states, and what follows
// from the sums over them. The loops over the states are functions of their own, so that their few operands stay in registers.
#pragma once
#include "selective-scan/backward.h"
#include "selective-scan/forward.h"

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
