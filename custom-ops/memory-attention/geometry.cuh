// Which queries see which rows on CUDA. Query i (0 .. L-1) stands at row queryOffset + i, in chunk (phase + i) / window.
// A row of scores is visible where tag - low lies in [0, count): tags are rows, chunks or queries, and along the rows of a
// block low and low + count never fall.
#pragma once
#include "native/cuda/device.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

enum Source { kWindow = 0, kFading = 1, kStored = 2 };
enum FadingMode { kNone = 0, kSliding = 1, kChunk = 2 };

// The tag of a column without a row.
constexpr int kNowhere = -2147483647 - 1;

// Rows that stream past own ones, narrowed once a call, two numbers in a word and with zeros up to kDh: for half precisions.
struct HalfRows {
  float *k, *v, *kFading, *vFading, *q, *gradOut;
};

struct AttentionProblem {
  int B, L, M, H, G, Dh, C, me, window, fading, fadingTokens, queryOffset, firstRow, phase;
  const float *q, *k, *v, *kFading, *vFading;
  const int* positions;
  // Window and fading tokens as far as there are rows.
  int reach, fadingReach;
  float scale;
  // Rows of Dh floats may be copied 16 bytes at a time.
  int aligned;
  HalfRows halves;
};

inline AttentionProblem attentionProblem(const Call& call) {
  using P = ports::MemoryAttentionForward;
  using S = P::Scalar;
  AttentionProblem p = {};
  p.B = call.integer(S::B), p.L = call.integer(S::L), p.M = call.integer(S::M);
  p.H = call.integer(S::H), p.G = call.integer(S::G), p.Dh = call.integer(S::Dh);
  p.C = call.integer(S::C), p.me = call.integer(S::me);
  p.window = call.integer(S::window), p.fading = call.integer(S::fading);
  p.fadingTokens = call.integer(S::fadingTokens), p.queryOffset = call.integer(S::queryOffset);
  p.firstRow = call.integer(S::firstRow), p.phase = call.integer(S::phase);
  p.q = call.in(P::q), p.k = call.in(P::k), p.v = call.in(P::v);
  p.kFading = call.in(P::kFading), p.vFading = call.in(P::vFading), p.positions = call.inInt(P::positions);
  if (!p.positions) p.me = 0;
  if (!p.kFading) p.fading = kNone;
  p.reach = p.window < p.M ? p.window : p.M;
  p.fadingReach = p.fadingTokens < p.M ? p.fadingTokens : p.M;
  p.scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(p.Dh)));
  p.aligned = p.Dh % 4 == 0 && isAligned16(p.q) && isAligned16(p.k) && isAligned16(p.v) && isAligned16(p.kFading) &&
              isAligned16(p.vFading);
  return p;
}

struct Span {
  int low, count;
  __device__ int high() const { return low + count - 1; }
  __device__ bool has(int tag) const {
    return static_cast<unsigned>(tag) - static_cast<unsigned>(low) < static_cast<unsigned>(count);
  }
};

__device__ inline int chunkOf(const AttentionProblem& p, int query) { return (p.phase + query) / p.window; }
// First query of a chunk; negative for a first chunk that began before the queries.
__device__ inline int chunkStart(const AttentionProblem& p, int chunk) { return chunk * p.window - p.phase; }

// Tags that a query sees.
__device__ inline Span seenBy(const AttentionProblem& p, Source source, int query) {
  const int own = p.queryOffset + query;
  if (source == kWindow) return {own - p.reach + 1, p.reach};
  if (source == kStored) return {chunkOf(p, query), 1};
  if (p.fading == kSliding) return {own - 2 * p.reach + 1, p.reach};
  return {p.queryOffset + chunkStart(p, chunkOf(p, query)) - p.fadingReach, p.fadingReach};
}

__device__ inline int floorChunk(const AttentionProblem& p, int query) {
  const int shifted = query + p.phase;
  return shifted < 0 ? -((p.window - 1 - shifted) / p.window) : shifted / p.window;
}

// Queries that see a row (of the window's or the fading keys) or a slot (chunk * me + slot).
__device__ inline Span seersOf(const AttentionProblem& p, Source source, int row) {
  if (source == kStored) {
    const int first = max(0, chunkStart(p, row / p.me)), end = min(p.L, chunkStart(p, row / p.me + 1));
    return {first, max(0, end - first)};
  }
  const int query = row - p.queryOffset;
  if (source == kWindow) return {query, p.reach};
  if (p.fading == kSliding) return {query + p.reach, p.reach};
  const int low = chunkStart(p, floorChunk(p, query) + 1), end = chunkStart(p, floorChunk(p, query + p.fadingReach) + 1);
  return {low, max(0, end - low)};
}

}  // namespace bmojo::cuda
