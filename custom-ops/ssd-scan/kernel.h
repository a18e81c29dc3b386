// The state-space dual scan in chunks of tokens: products of matrices within a chunk, one state from chunk to chunk. A call
// takes heads of one group of one batch row, which share what B and C alone make.
#pragma once
#include "ssd-scan/backward.h"
#include "ssd-scan/forward.h"

BMOJO_EXPORT(ssd_scan_forward)
void ssd_scan_forward(const float* x, const float* delta, const float* A, const float* B, const float* C, const float* D,
                      const float* deltaBias, const float* initialState, float* y, float* finalState, float* chunkStates,
                      float* scratch, int batch, int L, int H, int P, int G, int N, int chunk, float least, float most) {
  bmojo::SsdInputs in = {x, delta, A, B, C, D, deltaBias, initialState};
  bmojo::SsdSizes s = {batch, L, H, P, G, N, chunk, least, most};
  for (int b = 0; b < batch; b++) {
    for (int h = 0; h < H; h += H / G) bmojo::ssdForward(in, y, finalState, chunkStates, s, {b, h, h + H / G}, scratch);
  }
}

BMOJO_EXPORT(ssd_scan_backward)
void ssd_scan_backward(const float* x, const float* delta, const float* A, const float* B, const float* C, const float* D,
                       const float* deltaBias, const float* initialState, const float* chunkStates, const float* gradY,
                       const float* gradFinalState, float* gradX, float* gradDelta, float* gradA, float* gradB,
                       float* gradC, float* gradD, float* gradDeltaBias, float* gradInitialState, float* scratch,
                       int batch, int L, int H, int P, int G, int N, int chunk, float least, float most) {
  bmojo::SsdInputs in = {x, delta, A, B, C, D, deltaBias, initialState};
  bmojo::SsdSizes s = {batch, L, H, P, G, N, chunk, least, most};
  bmojo::SsdGradients grads = {gradX, gradDelta, gradA, gradB, gradC, gradD, gradDeltaBias, gradInitialState};
  bmojo::fill(gradA, 0.0f, H);
  if (gradD) bmojo::fill(gradD, 0.0f, H);
  if (gradDeltaBias) bmojo::fill(gradDeltaBias, 0.0f, H);
  for (int b = 0; b < batch; b++) {
    for (int h = 0; h < H; h += H / G) {
      bmojo::ssdBackward(in, chunkStates, gradY, gradFinalState, grads, s, {b, h, h + H / G}, scratch);
    }
  }
}
