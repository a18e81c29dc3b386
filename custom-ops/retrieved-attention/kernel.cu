// retrievedAttention on CUDA: which blocks for which head width.
#include "retrieved-attention/queries.cuh"
#include "retrieved-attention/rows.cuh"

namespace bmojo::cuda {

namespace {

constexpr int kWidestHead = 128;

bool isSupported(const RetrievedProblem& p) { return p.Dh <= kWidestHead && p.H % p.G == 0; }

template <int kFours>
cudaError_t launchForward(const RetrievedProblem& p, const Call& call) {
  using P = ports::RetrievedAttentionForward;
  const bool isWide = p.Dh % 4 == 0 && isAligned16(p.q) && isAligned16(p.k) && isAligned16(p.v) &&
                      isAligned16(call.out(P::out));
  return launch(isWide ? retrievedForwardKernel<kFours, true> : retrievedForwardKernel<kFours, false>, teamGrid(p),
                kTeamThreads, 0, call.stream, p, call.out(P::out), call.out(P::logSumExp));
}

cudaError_t runForward(const Call& call) {
  const RetrievedProblem p = retrievedProblem(call);
  if (!isSupported(p)) return cudaErrorInvalidValue;
  if (p.Dh <= 32) return launchForward<1>(p, call);
  return p.Dh <= 64 ? launchForward<2>(p, call) : launchForward<4>(p, call);
}

struct Workspace {
  float* parts;
  RowOrder order;
  size_t bytes;
};

Workspace workspaceOf(const RetrievedProblem& p, void* memory) {
  const size_t places = static_cast<size_t>(p.B) * p.G * p.L * p.R;
  Carver carver = {static_cast<char*>(memory)};
  Workspace w;
  w.parts = carver.floats(2 * static_cast<size_t>(p.B) * p.L * p.H * p.R);
  w.order.starts = carver.ints(static_cast<size_t>(p.B) * p.G * (p.M + 1));
  w.order.ranks = carver.ints(places);
  w.order.order = carver.ints(places);
  w.bytes = carver.used;
  return w;
}

size_t backwardWorkspace(const Call& call) { return workspaceOf(retrievedProblem(call), nullptr).bytes; }

// kFours: vectors of four of each of a team's lanes.
template <int kFours, bool kWide>
cudaError_t launchBackward(const RetrievedProblem& p, const Call& call) {
  using P = ports::RetrievedAttentionBackward;
  constexpr int kColumns = kFours * kTeam;
  const Workspace w = workspaceOf(p, call.workspace);
  float2* const parts = reinterpret_cast<float2*>(w.parts);
  const RetrievedCotangents in = {call.in(P::out), call.in(P::logSumExp), call.in(P::gradOut),
                                  call.in(P::gradLogSumExp)};
  BMOJO_RETURN_IF(launch(retrievedQueryGradientKernel<kFours, kWide>, teamGrid(p), kTeamThreads, 0, call.stream, p, in,
                         call.out(P::gradQ), parts));
  BMOJO_RETURN_IF(launch(orderPlacesKernel, dim3(static_cast<unsigned>(p.B) * p.G), kOrderThreads, 0, call.stream, p,
                         w.order));
  return launch(retrievedRowGradientKernel<kColumns, kWide>, dim3(static_cast<unsigned>(p.B) * p.M * p.G), kRowThreads,
                0, call.stream, p, in.gradOut, static_cast<const float2*>(parts), w.order, call.out(P::gradK),
                call.out(P::gradV));
}

template <int kFours>
cudaError_t launchBackward(const RetrievedProblem& p, const Call& call) {
  using P = ports::RetrievedAttentionBackward;
  bool isWide = p.Dh % 4 == 0;
  for (const void* at : {call.inputs[P::q], call.inputs[P::k], call.inputs[P::v], call.inputs[P::out],
                         call.inputs[P::gradOut]}) {
    isWide = isWide && isAligned16(at);
  }
  for (const void* at : {call.outputs[P::gradQ], call.outputs[P::gradK], call.outputs[P::gradV]}) {
    isWide = isWide && isAligned16(at);
  }
  return isWide ? launchBackward<kFours, true>(p, call) : launchBackward<kFours, false>(p, call);
}

cudaError_t runBackward(const Call& call) {
  const RetrievedProblem p = retrievedProblem(call);
  if (!isSupported(p)) return cudaErrorInvalidValue;
  if (p.Dh <= 32) return launchBackward<1>(p, call);
  return p.Dh <= 64 ? launchBackward<2>(p, call) : launchBackward<4>(p, call);
}

}  // namespace

const Kernel retrievedAttentionForward = {runForward};
const Kernel retrievedAttentionBackward = {runBackward, backwardWorkspace};

}  // namespace bmojo::cuda
