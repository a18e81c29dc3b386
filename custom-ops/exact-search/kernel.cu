// exactSearch on CUDA: which form for how many queries.
#include "exact-search/by-queries.cuh"
#include "exact-search/by-rows.cuh"

namespace bmojo::cuda {

namespace {

// From so many blocks on, queries alone keep a card busy; wider rows do not fit a thread's registers.
constexpr int kEnoughBlocks = 64;
constexpr int kWidestOfThread = 128;

bool isByQueries(const SearchProblem& p) { return p.Dh <= kWidestOfThread && queryBlocks(p) >= kEnoughBlocks; }

size_t entriesOf(const SearchProblem& p) {
  const int parts = partsOf(p);
  return parts == 1 ? 0 : static_cast<size_t>(p.B) * p.L * p.G * parts * p.R;
}

size_t workspace(const Call& call) {
  const SearchProblem p = searchProblem(call);
  if (isByQueries(p)) return 0;
  Carver carver = {};
  carver.ints(entriesOf(p));
  carver.floats(entriesOf(p));
  return carver.used;
}

template <int kFours>
cudaError_t launchQueries(const SearchProblem& p, const Call& call, bool isWide) {
  using P = ports::ExactSearch;
  const auto kernel = isWide ? searchQueriesKernel<kFours, true> : searchQueriesKernel<kFours, false>;
  return launch(kernel, dim3(static_cast<unsigned>(queryBlocks(p))), kQueriesOfBlock, 0, call.stream, p,
                static_cast<int>(ceilDiv(p.L, kQueriesOfBlock)), call.outInt(P::rows), call.out(P::scores));
}

cudaError_t launchRows(const SearchProblem& p, const Call& call, bool isWide) {
  using P = ports::ExactSearch;
  const int parts = partsOf(p);
  const unsigned lists = static_cast<unsigned>(p.B) * p.L * p.G;
  Carver carver = {static_cast<char*>(call.workspace)};
  int* const rows = parts == 1 ? call.outInt(P::rows) : carver.ints(entriesOf(p));
  float* const scores = parts == 1 ? call.out(P::scores) : carver.floats(entriesOf(p));
  const size_t bytes = ceilDiv(p.Dh, 4 * kTeam) * 4 * kTeam * sizeof(float);
  BMOJO_RETURN_IF(launch(isWide ? searchPartsKernel<true> : searchPartsKernel<false>, dim3(lists * parts), kListThreads,
                         bytes, call.stream, p, parts, rowsOfPart(p), rows, scores));
  if (parts == 1) return cudaSuccess;
  return launch(mergePartsKernel, dim3(lists), kListThreads, 0, call.stream, static_cast<const int*>(rows),
                static_cast<const float*>(scores), parts * p.R, p.R, call.outInt(P::rows), call.out(P::scores));
}

cudaError_t run(const Call& call) {
  const SearchProblem p = searchProblem(call);
  if (p.R < 1 || p.R > kMostCount) return cudaErrorInvalidValue;
  const bool isWide = p.Dh % 4 == 0 && isAligned16(p.q) && isAligned16(p.k);
  if (!isByQueries(p)) return launchRows(p, call, isWide);
  if (p.Dh <= 32) return launchQueries<8>(p, call, isWide);
  if (p.Dh <= 64) return launchQueries<16>(p, call, isWide);
  return launchQueries<32>(p, call, isWide);
}

}  // namespace

const Kernel exactSearch = {run, workspace};

}  // namespace bmojo::cuda
