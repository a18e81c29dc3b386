// memoryAttention on CUDA: which blocks for which head width.
#include "memory-attention/forward.cuh"
#include "memory-attention/half-rows.cuh"
#include "memory-attention/key-gradient.cuh"
#include "memory-attention/query-gradient.cuh"
#include "memory-attention/stored-links.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

namespace {

constexpr int kWidestHead = 128;
// Queries from which on rows are narrowed: in a step of decoding reading each row once is all that there is to do, and narrowing
// it first would take longer.
constexpr int kLeastNarrowed = 4;
constexpr int kThreads = 256;

bool isSupported(const AttentionProblem& p) {
  return p.Dh >= 1 && p.Dh <= kWidestHead && p.L >= 1 && p.G >= 1 && p.H % p.G == 0 && p.window >= 1;
}

// The call in the precision that it is computed in.
Call computedCall(const Call& call) {
  Call own = call;
  if (isHalf(call.precision) && attentionProblem(call).L < kLeastNarrowed) own.precision = Precision::kFloat32;
  return own;
}

// The width kDh of the kernels.
int widthOf(const AttentionProblem& p) { return p.Dh <= 32 ? 32 : p.Dh <= 64 ? 64 : kWidestHead; }

// Room for the halves of keys and values, and backward of queries and cotangents.
HalfRows halfRowsOf(const AttentionProblem& p, const Call& call, bool isBackward, Carver& carver) {
  HalfRows halves = {};
  if (!isHalf(call.precision)) return halves;
  const size_t words = static_cast<size_t>(widthOf(p)) / 2;
  const size_t keys = static_cast<size_t>(p.B) * p.M * p.G * words, queries = static_cast<size_t>(p.B) * p.L * p.H * words;
  halves.k = carver.floats(keys), halves.v = carver.floats(keys);
  if (p.fading != kNone) halves.kFading = carver.floats(keys), halves.vFading = carver.floats(keys);
  if (isBackward) halves.q = carver.floats(queries), halves.gradOut = carver.floats(queries);
  return halves;
}

cudaError_t narrowKeys(const AttentionProblem& p, const Call& call) {
  if (!isHalf(call.precision)) return cudaSuccess;
  const int64_t keys = static_cast<int64_t>(p.B) * p.M * p.G;
  const int width = widthOf(p);
  BMOJO_RETURN_IF(narrowRows(call, p.k, p.halves.k, keys, p.Dh, width));
  BMOJO_RETURN_IF(narrowRows(call, p.v, p.halves.v, keys, p.Dh, width));
  if (p.fading == kNone) return cudaSuccess;
  BMOJO_RETURN_IF(narrowRows(call, p.kFading, p.halves.kFading, keys, p.Dh, width));
  return narrowRows(call, p.vFading, p.halves.vFading, keys, p.Dh, width);
}

struct Workspace {
  HalfRows halves;
  float *outDots, *storedK, *storedV;
  int *heads, *nexts;
  size_t bytes;
};

Workspace workspaceOf(const AttentionProblem& p, const Call& call, void* memory) {
  const size_t slots = static_cast<size_t>(p.C) * p.me, width = static_cast<size_t>(p.G) * p.Dh;
  Carver carver = {static_cast<char*>(memory)};
  Workspace w;
  w.outDots = carver.floats(static_cast<size_t>(p.B) * p.L * p.H);
  w.storedK = carver.floats(p.B * slots * width);
  w.storedV = carver.floats(p.B * slots * width);
  w.heads = carver.ints(slots == 0 ? 0 : static_cast<size_t>(p.B) * p.M);
  w.nexts = carver.ints(p.B * slots);
  w.halves = halfRowsOf(p, call, true, carver);
  w.bytes = carver.used;
  return w;
}

cudaError_t keyGradient(const AttentionProblem& p, const Call& call, const AttentionCotangents& in, Source source,
                        float* gradK, float* gradV) {
  if (p.Dh <= 32) return launchKeyGradient<32, 32, 4, 3>(p, call, in, source, gradK, gradV);
  if (p.Dh <= 64) return launchKeyGradient<64, 32, 4, 3>(p, call, in, source, gradK, gradV);
  return launchKeyGradient<128, 32, 4, 1>(p, call, in, source, gradK, gradV);
}

cudaError_t addStored(const AttentionProblem& p, const Call& call, const Workspace& w) {
  using P = ports::MemoryAttentionBackward;
  const int slots = p.C * p.me;
  const int64_t rows = static_cast<int64_t>(p.B) * p.M;
  BMOJO_RETURN_IF(launch(clearLinksKernel, dim3(static_cast<unsigned>(ceilDiv(rows, kThreads))), kThreads, 0,
                         call.stream, w.heads, rows));
  BMOJO_RETURN_IF(launch(linkSlotsKernel, dim3(static_cast<unsigned>(ceilDiv(static_cast<int64_t>(p.B) * slots * kWarp, kThreads))),
                         kThreads, 0, call.stream, p.positions, w.heads, w.nexts, p.B, p.M, slots));
  return launch(addStoredKernel, dim3(static_cast<unsigned>(ceilDiv(rows * p.G * kWarp, kThreads))), kThreads, 0,
                call.stream, static_cast<const int*>(w.heads), static_cast<const int*>(w.nexts),
                static_cast<const float*>(w.storedK), static_cast<const float*>(w.storedV), call.out(P::gradK),
                call.out(P::gradV), rows, p.M, p.G, p.Dh, slots);
}

size_t forwardWorkspace(const Call& asked) {
  const Call call = computedCall(asked);
  Carver carver = {nullptr};
  halfRowsOf(attentionProblem(call), call, false, carver);
  return carver.used;
}

cudaError_t runForward(const Call& asked) {
  const Call call = computedCall(asked);
  AttentionProblem p = attentionProblem(call);
  if (!isSupported(p)) return cudaErrorInvalidValue;
  Carver carver = {static_cast<char*>(call.workspace)};
  p.halves = halfRowsOf(p, call, false, carver);
  BMOJO_RETURN_IF(narrowKeys(p, call));
  if (p.Dh <= 32) return launchAttentionForward<32, 64, 8, 2>(p, call);
  if (p.Dh > 64) return launchAttentionForward<128, 32, 4, 2>(p, call);
  switch (call.variant) {
    case 1: return launchAttentionForward<64, 32, 4, 4>(p, call);
    case 2: return launchAttentionForward<64, 64, 4, 2>(p, call);
    default: return launchAttentionForward<64, 64, 8, 2>(p, call);
  }
}

size_t backwardWorkspace(const Call& asked) {
  const Call call = computedCall(asked);
  return workspaceOf(attentionProblem(call), call, nullptr).bytes;
}

cudaError_t runBackward(const Call& asked) {
  using P = ports::MemoryAttentionBackward;
  const Call call = computedCall(asked);
  AttentionProblem p = attentionProblem(call);
  if (!isSupported(p)) return cudaErrorInvalidValue;
  p.aligned = p.aligned && isAligned16(call.in(P::gradOut));
  const Workspace w = workspaceOf(p, call, call.workspace);
  const AttentionCotangents in = {call.in(P::out), call.in(P::logSumExp), call.in(P::gradOut), call.in(P::gradLogSumExp),
                                  w.outDots};
  const int64_t queries = static_cast<int64_t>(p.B) * p.L * p.H;
  p.halves = w.halves;
  BMOJO_RETURN_IF(narrowKeys(p, call));
  if (isHalf(call.precision)) {
    BMOJO_RETURN_IF(narrowRows(call, p.q, p.halves.q, queries, p.Dh, widthOf(p)));
    BMOJO_RETURN_IF(narrowRows(call, in.gradOut, p.halves.gradOut, queries, p.Dh, widthOf(p)));
  }
  BMOJO_RETURN_IF(inPrecision(call.precision, [&](auto precision) {
    return launch(outDotsKernel<decltype(precision)::value>, dim3(static_cast<unsigned>(ceilDiv(queries * kWarp, kThreads))),
                  kThreads, 0, call.stream, in.out, in.gradOut, in.gradLogSumExp, w.outDots, queries, p.Dh);
  }));
  if (p.Dh <= 32) BMOJO_RETURN_IF((launchQueryGradient<32, 32, 4, 4>(p, call, in)));
  else if (p.Dh <= 64) BMOJO_RETURN_IF((launchQueryGradient<64, 32, 4, 3>(p, call, in)));
  else BMOJO_RETURN_IF((launchQueryGradient<128, 32, 4, 1>(p, call, in)));
  BMOJO_RETURN_IF(keyGradient(p, call, in, kWindow, call.out(P::gradK), call.out(P::gradV)));
  if (p.fading != kNone && call.out(P::gradKFading)) {
    BMOJO_RETURN_IF(keyGradient(p, call, in, kFading, call.out(P::gradKFading), call.out(P::gradVFading)));
  }
  if (p.me == 0) return cudaSuccess;
  BMOJO_RETURN_IF(keyGradient(p, call, in, kStored, w.storedK, w.storedV));
  return addStored(p, call, w);
}

}  // namespace

const Kernel memoryAttentionForward = {runForward, forwardWorkspace, 3, 4};
const Kernel memoryAttentionBackward = {runBackward, backwardWorkspace, 1, 4};

}  // namespace bmojo::cuda
