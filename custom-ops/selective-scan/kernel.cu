// The selective scan on CUDA: which decomposition for which state size, and others up to 16 states for timing.
#include "native/cuda/column-sums.cuh"
#include "native/cuda/kernels.generated.h"
#include "selective-scan/backward.cuh"
#include "selective-scan/forward.cuh"

namespace bmojo::cuda {

namespace {

bool isSupported(const ScanProblem& p) {
  return p.N >= 1 && p.N <= 128 && p.chunk == kTile && p.B >= 1 && p.L >= 1 && p.E >= 1;
}

using ForwardLaunch = cudaError_t (*)(ScanProblem, const Call&);

// Lanes, states and channels a lane, threads, stages, blocks at once, tokens of a batch, decays by polynomial. The first is
// used; the others show four warps a scheduler, one, and decays that spare the special function unit.
constexpr ForwardLaunch kForward16[] = {
    launchScanForward<2, 8, 1, 128, 3, 2, 8>,
    launchScanForward<4, 4, 1, 256, 3, 2, 16>,
    launchScanForward<1, 16, 1, 64, 3, 2, 8>,
    launchScanForward<2, 8, 1, 128, 3, 2, 8, 1>,
};
constexpr int kForwardVariants = sizeof(kForward16) / sizeof(kForward16[0]);

ForwardLaunch forwardLaunch(int N, int variant) {
  if (N <= 16) return kForward16[variant < kForwardVariants ? variant : 0];
  return N <= 32 ? launchScanForward<8, 4, 1, 256, 3, 2, 8> : N <= 64 ? launchScanForward<16, 4, 1, 256, 3, 2, 8>
                                                                      : launchScanForward<32, 4, 1, 256, 3, 2, 8>;
}

struct BackwardPlan {
  cudaError_t (*launch)(const ScanProblem&, const Call&, const ScanCotangents&, const ScanGradients&);
  // Of a block; blocks at once on a multiprocessor; floats of a token's states, rounded up.
  int channels, perSm, width;
};

template <int kLanes, int kChannels, int kThreads, int kStages, int kBlocks>
constexpr BackwardPlan backwardPlan() {
  using Shape = ScanShape<kLanes, kStates, kChannels, kThreads>;
  return {launchScanBackward<kLanes, kChannels, kThreads, kStages, kBlocks>, Shape::channels, kBlocks, Shape::width};
}

// Lanes, channels a lane, threads, stages, blocks at once. The first is used; the other sums no channels in registers.
constexpr BackwardPlan kBackward16[] = {
    backwardPlan<4, 2, 128, 2, 2>(),
    backwardPlan<4, 1, 512, 2, 1>(),
};
constexpr int kBackwardVariants = sizeof(kBackward16) / sizeof(kBackward16[0]);

BackwardPlan planOf(int N, int variant) {
  if (N <= 16) return kBackward16[variant < kBackwardVariants ? variant : 0];
  return N <= 32 ? backwardPlan<8, 2, 128, 2, 2>() : N <= 64 ? backwardPlan<16, 1, 256, 2, 1>()
                                                             : backwardPlan<32, 1, 256, 2, 1>();
}

// The pointers among the gradients that lie in the workspace, and its size.
size_t carvePartials(const ScanProblem& p, const BackwardPlan& plan, void* workspace, ScanGradients& grads) {
  const size_t blocks = ceilDiv(p.E, plan.channels), tokens = static_cast<size_t>(p.B) * p.L;
  const size_t channels = static_cast<size_t>(p.B) * p.segments * p.E;
  Carver carver = {static_cast<char*>(workspace)};
  grads.states = carver.floats(blocks * tokens * 2 * plan.width);
  grads.A = carver.floats(channels * p.N);
  grads.D = carver.floats(channels);
  grads.deltaBias = carver.floats(channels);
  if (p.segments > 1) {
    grads.segmentEnds = carver.floats(channels * p.N);
    grads.stepSums = carver.floats(channels);
  }
  return carver.used;
}

cudaError_t cutBackward(ScanProblem& p, const BackwardPlan& plan) {
  return cutTime(p, ceilDiv(p.E, plan.channels) * p.B, plan.perSm);
}

cudaError_t runForward(const Call& call) {
  const ScanProblem p = scanProblem(call);
  return isSupported(p) ? forwardLaunch(p.N, call.variant)(p, call) : cudaErrorInvalidValue;
}

size_t backwardWorkspace(const Call& call) {
  ScanProblem p = scanProblem(call);
  ScanGradients grads = {};
  const BackwardPlan plan = planOf(p.N, call.variant);
  if (!isSupported(p) || cutBackward(p, plan) != cudaSuccess) return 0;
  return carvePartials(p, plan, nullptr, grads);
}

cudaError_t runBackward(const Call& call) {
  using P = ports::SelectiveScanBackward;
  ScanProblem p = scanProblem(call);
  if (!isSupported(p)) return cudaErrorInvalidValue;
  const BackwardPlan plan = planOf(p.N, call.variant);
  BMOJO_RETURN_IF(cutBackward(p, plan));
  const ScanCotangents in = {call.in(P::chunkStates), call.in(P::gradY), call.in(P::gradFinalState)};
  ScanGradients grads = {};
  grads.u = call.out(P::gradU), grads.delta = call.out(P::gradDelta), grads.z = call.out(P::gradZ);
  grads.initialState = call.out(P::gradInitialState);
  p.alignedChannels = p.alignedChannels && isAligned16(in.gradY);
  p.alignedResults = p.alignedResults && isAligned16(grads.u) && isAligned16(grads.delta) && isAligned16(grads.z);
  carvePartials(p, plan, call.workspace, grads);
  BMOJO_RETURN_IF(plan.launch(p, call, in, grads));
  const int rows = p.B * p.segments;
  BMOJO_RETURN_IF(columnSums(grads.A, call.out(P::gradA), rows, p.E * p.N, p.E * p.N, call.stream));
  BMOJO_RETURN_IF(columnSums(grads.D, call.out(P::gradD), rows, p.E, p.E, call.stream));
  return columnSums(grads.deltaBias, call.out(P::gradDeltaBias), rows, p.E, p.E, call.stream);
}

}  // namespace

const Kernel selectiveScanForward = {runForward, noWorkspace, kForwardVariants};
const Kernel selectiveScanBackward = {runBackward, backwardWorkspace, kBackwardVariants};

}  // namespace bmojo::cuda
