// ssdScan on CUDA: its passes in order, and the memory between them.
#include <algorithm>

#include "native/cuda/column-sums.cuh"
#include "ssd-scan/few-tokens.cuh"
#include "ssd-scan/input-gradient.cuh"
#include "ssd-scan/outputs.cuh"
#include "ssd-scan/pair-gradient.cuh"
#include "ssd-scan/shared-gradient.cuh"
#include "ssd-scan/states.cuh"

namespace bmojo::cuda {

namespace {

// Blocks that keep a large card busy.
constexpr int64_t kBusy = 1024;
// Heads that a part of a group has at least: one is used, two are for timing where blocks are few.
constexpr int kLeastHeads[] = {1, 2};
constexpr int kBackwardVariants = sizeof(kLeastHeads) / sizeof(kLeastHeads[0]);

bool isSupported(const SsdProblem& p) {
  return p.B >= 1 && p.L >= 1 && p.G >= 1 && p.H % p.G == 0 && p.P >= 1 && p.N >= 1 && p.Q % kBlock == 0;
}

dim3 gridOf(int64_t blocks) { return dim3(static_cast<unsigned>(blocks)); }

size_t scoreFloats(const SsdProblem& p) { return static_cast<size_t>(p.groups()) * p.Q * p.Q; }

// How the heads of a group are cut into parts, where each has so many blocks.
struct HeadParts {
  int count, heads;

  HeadParts(const SsdProblem& p, int blocks, int least) {
    const int wanted = static_cast<int>(ceilDiv(kBusy, p.groups() * blocks)), perGroup = p.headsOfGroup();
    heads = std::max(std::min(least, perGroup), static_cast<int>(ceilDiv(perGroup, std::min(wanted, perGroup))));
    count = static_cast<int>(ceilDiv(perGroup, heads));
  }
};

struct ForwardWorkspace {
  float2* steps;
  float* scores;
  size_t bytes;
};

ForwardWorkspace forwardWorkspaceOf(const SsdProblem& p, void* memory) {
  Carver carver = {static_cast<char*>(memory)};
  ForwardWorkspace w;
  w.steps = static_cast<float2*>(carver.take(p.heads() * p.Q * sizeof(float2)));
  w.scores = carver.floats(scoreFloats(p));
  w.bytes = carver.used;
  return w;
}

struct BackwardWorkspace {
  BackwardWorkspace(const SsdProblem& p, const Call& call);

  const HeadParts pairParts, sharedParts;
  float2* steps;
  float *scores, *gradStates, *gradScores, *headSums;
  // Parts over heads, null where there is one.
  float *gradScoreParts, *gradBParts, *gradCParts;
  TokenSums sums;
  size_t bytes;
};

BackwardWorkspace::BackwardWorkspace(const SsdProblem& p, const Call& call)
    : pairParts(p, p.rowBlocks() * p.rowBlocks(), kLeastHeads[call.variant]),
      sharedParts(p, p.rowBlocks() * p.stateBlocks(), kLeastHeads[call.variant]) {
  Carver carver = {static_cast<char*>(call.workspace)};
  const size_t tokens = p.heads() * p.Q, shared = static_cast<size_t>(p.B) * p.L * p.G * p.N;
  const auto parts = [&](const HeadParts& of, size_t floats) {
    return of.count > 1 ? carver.floats(of.count * floats) : nullptr;
  };
  steps = static_cast<float2*>(carver.take(tokens * sizeof(float2)));
  scores = carver.floats(scoreFloats(p));
  gradStates = carver.floats(static_cast<size_t>(p.heads()) * p.P * p.N);
  gradScores = carver.floats(scoreFloats(p));
  headSums = carver.floats(3 * p.heads());
  gradScoreParts = parts(pairParts, scoreFloats(p));
  gradBParts = parts(sharedParts, shared);
  gradCParts = parts(sharedParts, shared);
  sums.products = static_cast<float4*>(carver.take(tokens * sizeof(float4)));
  sums.rows = carver.floats(p.rowBlocks() * tokens);
  sums.columns = carver.floats(p.rowBlocks() * tokens);
  sums.reads = carver.floats(p.stateBlocks() * tokens);
  sums.through = carver.floats(p.heads());
  bytes = carver.used;
}

cudaError_t steps(const SsdProblem& p, const Call& call, float2* to) {
  return launch(ssdStepsKernel, gridOf(p.heads()), p.Q, p.Q * sizeof(float), call.stream, p, to);
}

cudaError_t scores(const SsdProblem& p, const Call& call, float* to) {
  return launch(ssdScoresKernel, gridOf(p.groups() * p.rowBlocks() * p.rowBlocks()), kProductThreads, productBytes(p),
                call.stream, p, to);
}

size_t forwardWorkspace(const Call& call) {
  const SsdProblem p = ssdProblem(call);
  return isSupported(p) && p.L > kFewTokens ? forwardWorkspaceOf(p, nullptr).bytes : 0;
}

cudaError_t runForward(const Call& call) {
  using I = ports::SsdScanForward;
  SsdProblem p = ssdProblem(call);
  if (!isSupported(p)) return cudaErrorInvalidValue;
  float *y = call.out(I::y), *finalState = call.out(I::finalState), *chunkStates = call.out(I::chunkStates);
  if (p.L <= kFewTokens) {
    const int64_t rows = static_cast<int64_t>(p.B) * p.H * p.P;
    return launch(ssdFewTokensKernel, gridOf(ceilDiv(rows * kWarp, kFewThreads)), kFewThreads, 0, call.stream, p, y,
                  finalState, chunkStates);
  }
  p.wideInputs = p.wideInputs && isAligned16(y);
  p.wideStates = p.wideStates && isAligned16(chunkStates);
  const ForwardWorkspace w = forwardWorkspaceOf(p, call.workspace);
  const int perState = p.inputBlocks() * p.stateBlocks();
  const auto added = call.precision == Precision::kTf32 ? ssdAddedKernel<Precision::kTf32, false>
                                                        : ssdAddedKernel<Precision::kFloat32, false>;
  BMOJO_RETURN_IF(steps(p, call, w.steps));
  BMOJO_RETURN_IF(scores(p, call, w.scores));
  BMOJO_RETURN_IF(launch(added, gridOf(p.heads() * perState), kProductThreads, productBytes(p), call.stream, p, w.steps,
                         p.x, p.writes, chunkStates));
  BMOJO_RETURN_IF(ssdCarry<false>(p, call, w.steps, chunkStates, p.initialState, finalState));
  return launch(BMOJO_IN_PRECISION(call, ssdOutputsKernel), gridOf(p.heads() * p.rowBlocks() * p.inputBlocks()),
                kProductThreads, productBytes(p), call.stream, p, w.steps, w.scores, chunkStates, y);
}

size_t backwardWorkspace(const Call& call) {
  const SsdProblem p = ssdProblem(call);
  return isSupported(p) ? BackwardWorkspace(p, call).bytes : 0;
}

// Adds [parts, count] up, where there are parts.
cudaError_t addParts(const Call& call, const HeadParts& parts, const float* from, float* to, size_t count) {
  if (parts.count == 1) return cudaSuccess;
  return columnSums(from, to, parts.count, static_cast<int>(count), static_cast<int>(count), call.stream);
}

template <bool kReads>
cudaError_t sharedGradient(const SsdProblem& p, const Call& call, const BackwardWorkspace& w, const float* inputs,
                           const float* states, float* parts, float* to) {
  const auto kernel = call.precision == Precision::kTf32 ? ssdSharedGradientKernel<Precision::kTf32, kReads>
                                                         : ssdSharedGradientKernel<Precision::kFloat32, kReads>;
  const int64_t blocks = p.groups() * p.rowBlocks() * p.stateBlocks() * w.sharedParts.count;
  BMOJO_RETURN_IF(launch(kernel, gridOf(blocks), kProductThreads, productBytes(p), call.stream, p, w.steps, inputs, states,
                         w.gradScores, parts ? parts : to, w.sums, w.sharedParts.heads));
  return addParts(call, w.sharedParts, parts, to, static_cast<size_t>(p.B) * p.L * p.G * p.N);
}

cudaError_t runBackward(const Call& call) {
  using I = ports::SsdScanBackward;
  SsdProblem p = ssdProblem(call);
  if (!isSupported(p)) return cudaErrorInvalidValue;
  const float *chunkStates = call.in(I::chunkStates), *gradY = call.in(I::gradY);
  float *gradX = call.out(I::gradX), *gradB = call.out(I::gradB), *gradC = call.out(I::gradC);
  p.wideInputs = p.wideInputs && isAligned16(gradY) && isAligned16(gradX);
  p.wideStates = p.wideStates && isAligned16(chunkStates) && isAligned16(gradB) && isAligned16(gradC);
  const BackwardWorkspace w(p, call);
  const size_t bytes = productBytes(p);
  const int perState = p.inputBlocks() * p.stateBlocks();
  const auto added = call.precision == Precision::kTf32 ? ssdAddedKernel<Precision::kTf32, true>
                                                        : ssdAddedKernel<Precision::kFloat32, true>;
  BMOJO_RETURN_IF(steps(p, call, w.steps));
  BMOJO_RETURN_IF(scores(p, call, w.scores));
  BMOJO_RETURN_IF(launch(added, gridOf(p.heads() * perState), kProductThreads, bytes, call.stream, p, w.steps, gradY,
                         p.reads, w.gradStates));
  BMOJO_RETURN_IF(ssdCarry<true>(p, call, w.steps, w.gradStates, call.in(I::gradFinalState),
                                 call.out(I::gradInitialState)));
  BMOJO_RETURN_IF(launch(ssdThroughKernel, gridOf(p.heads()), kThroughThreads, 0, call.stream, p, w.steps, chunkStates,
                         w.gradStates, w.sums.through));
  BMOJO_RETURN_IF(launch(BMOJO_IN_PRECISION(call, ssdInputGradientKernel), gridOf(p.heads() * p.rowBlocks()),
                         kProductThreads, bytes, call.stream, p, w.steps, w.scores, w.gradStates, gradY, gradX, w.sums));
  BMOJO_RETURN_IF(launch(BMOJO_IN_PRECISION(call, ssdPairGradientKernel),
                         gridOf(p.groups() * p.rowBlocks() * p.rowBlocks() * w.pairParts.count), kProductThreads, bytes,
                         call.stream, p, w.steps, w.scores, gradY, w.gradScoreParts ? w.gradScoreParts : w.gradScores,
                         w.sums, w.pairParts.heads));
  BMOJO_RETURN_IF(addParts(call, w.pairParts, w.gradScoreParts, w.gradScores, scoreFloats(p)));
  BMOJO_RETURN_IF((sharedGradient<true>(p, call, w, gradY, chunkStates, w.gradCParts, gradC)));
  BMOJO_RETURN_IF((sharedGradient<false>(p, call, w, p.x, w.gradStates, w.gradBParts, gradB)));
  BMOJO_RETURN_IF(launch(ssdStepGradientKernel, gridOf(p.heads()), p.Q, p.Q * sizeof(float), call.stream, p, w.steps,
                         w.sums, call.out(I::gradDelta), w.headSums));
  float* const ofHeads[] = {call.out(I::gradA), call.out(I::gradDeltaBias), call.out(I::gradD)};
  for (int i = 0; i < 3; i++) {
    BMOJO_RETURN_IF(columnSums(w.headSums + i * p.H, ofHeads[i], p.B * p.S, p.H, 3 * p.H, call.stream));
  }
  return cudaSuccess;
}

}  // namespace

const Kernel ssdScanForward = {runForward, forwardWorkspace, 1, 2};
const Kernel ssdScanBackward = {runBackward, backwardWorkspace, kBackwardVariants, 2};

}  // namespace bmojo::cuda
