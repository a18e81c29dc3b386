// The selective scan on CUDA: which decomposition for which state size. Variants for timing, up to 16 states: blocks of
// 256, 128 or 512 threads; the fourth forward one takes half tiles.
#include "native/cuda/column-sums.cuh"
#include "native/cuda/kernels.h"
#include "selective-scan/backward.cuh"
#include "selective-scan/forward.cuh"

namespace bmojo::cuda {

namespace {

constexpr int kThreads = 256;
// Of the widest partial sums, where blocks are smallest.
constexpr int kFewestThreads = 128;
// Tokens between saved states, as in definition.ts: the backward kernel works from one to the next.
constexpr int kChunk = kTile;

bool isSupported(const ScanProblem& p) {
  return scanLanes(p.N) != 0 && p.chunk == kChunk && p.B >= 1 && p.L >= 1 && p.E >= 1 && p.N >= 1;
}

struct Partials {
  float *states, *A, *D, *deltaBias;
  size_t bytes;
};

Partials partials(const ScanProblem& p, void* workspace) {
  const int lanes = scanLanes(p.N) ? scanLanes(p.N) : 4;
  const size_t blocks = ceilDiv(p.E, kFewestThreads / lanes), rows = static_cast<size_t>(p.B) * p.L;
  const size_t channels = static_cast<size_t>(p.B) * p.E;
  Carver carver = {static_cast<char*>(workspace)};
  Partials parts;
  parts.states = carver.floats(blocks * rows * 2 * lanes * kStates);
  parts.A = carver.floats(channels * p.N);
  parts.D = carver.floats(channels);
  parts.deltaBias = carver.floats(channels);
  parts.bytes = carver.used;
  return parts;
}

}  // namespace

cudaError_t selectiveScanForward(const Call& call) {
  ScanProblem p = scanProblem(call);
  if (!isSupported(p)) return cudaErrorInvalidValue;
  p.alignedStates = p.alignedStates && isAligned16(call.out(1)) && isAligned16(call.out(2));
  switch (scanLanes(p.N)) {
    case 4:
      switch (call.variant) {
        case 1: return launchScanForward<4, 128, 3, 4, kTile>(p, call);
        case 2: return launchScanForward<4, 512, 3, 1, kTile>(p, call);
        case 3: return launchScanForward<4, kThreads, 3, 2, kHalf>(p, call);
        default: return launchScanForward<4, kThreads, 3, 2, kTile>(p, call);
      }
    case 8: return launchScanForward<8, kThreads, 3, 2, kHalf>(p, call);
    case 16: return launchScanForward<16, kThreads, 3, 2, kHalf>(p, call);
    default: return launchScanForward<32, kThreads, 3, 2, kHalf>(p, call);
  }
}

size_t selectiveScanBackwardWorkspace(const Call& call) { return partials(scanProblem(call), nullptr).bytes; }

cudaError_t selectiveScanBackward(const Call& call) {
  ScanProblem p = scanProblem(call);
  if (!isSupported(p)) return cudaErrorInvalidValue;
  const ScanCotangents in = {call.in(9), call.in(10), call.in(11)};
  p.alignedChannels = p.alignedChannels && isAligned16(in.gradY);
  const Partials parts = partials(p, call.workspace);
  const ScanGradients grads = {call.out(0), call.out(1), call.out(6), call.out(8),
                               parts.A,     parts.states, parts.D,    parts.deltaBias};
  switch (scanLanes(p.N)) {
    case 4:
      switch (call.variant) {
        case 1: BMOJO_RETURN_IF((launchScanBackward<4, 128, 2, 4>(p, call, in, grads))); break;
        case 2: BMOJO_RETURN_IF((launchScanBackward<4, kThreads, 2, 2>(p, call, in, grads))); break;
        default: BMOJO_RETURN_IF((launchScanBackward<4, 512, 2, 1>(p, call, in, grads))); break;
      }
      break;
    case 8: BMOJO_RETURN_IF((launchScanBackward<8, kThreads, 2, 2>(p, call, in, grads))); break;
    case 16: BMOJO_RETURN_IF((launchScanBackward<16, kThreads, 2, 1>(p, call, in, grads))); break;
    default: BMOJO_RETURN_IF((launchScanBackward<32, kThreads, 2, 1>(p, call, in, grads))); break;
  }
  BMOJO_RETURN_IF(columnSums(parts.A, call.out(2), p.B, p.E * p.N, p.E * p.N, call.stream));
  BMOJO_RETURN_IF(columnSums(parts.D, call.out(5), p.B, p.E, p.E, call.stream));
  return columnSums(parts.deltaBias, call.out(7), p.B, p.E, p.E, call.stream);
}

}  // namespace bmojo::cuda
