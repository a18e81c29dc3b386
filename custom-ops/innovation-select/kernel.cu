// The best scores of a growing prefix on CUDA: a block for each batch row walks through the chunks with the sorted list of
// the kept rows. Of each piece of new rows only those that beat the last kept one matter; every row's place in the new
// list is the number of rows that come before it, so that the order of threads changes nothing.
#include "native/cuda/device.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

namespace {

constexpr int kThreads = 512;
// New rows looked at in one go.
constexpr int kPiece = 1024;

struct SelectProblem {
  int B, M, C, capacity, window, overlap, queryOffset, phase;
};

SelectProblem problem(const Call& call) {
  using S = ports::InnovationSelect::Scalar;
  return {call.integer(S::B), call.integer(S::M), call.integer(S::C), call.integer(S::capacity),
          call.integer(S::window), call.integer(S::overlap), call.integer(S::queryOffset), call.integer(S::phase)};
}

// Kept rows before a new row of this score: those at least as good, since they are older. `kept` is sorted.
__device__ inline int keptBefore(const float* scores, const int* kept, int count, float score) {
  int low = 0, high = count;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (scores[kept[middle]] >= score) low = middle + 1;
    else high = middle;
  }
  return low;
}

// lists: two lists of `capacity` rows for each batch row.
__global__ void __launch_bounds__(kThreads)
selectKernel(const float* __restrict__ allScores, int* __restrict__ positions, int* __restrict__ lists,
             SelectProblem p) {
  __shared__ float newScores[kPiece];
  __shared__ int newRows[kPiece];
  __shared__ int newCount;
  const int b = blockIdx.x;
  const float* const scores = allScores + static_cast<int64_t>(b) * p.M;
  int* kept = lists + static_cast<int64_t>(b) * 2 * p.capacity;
  int* next = kept + p.capacity;
  int count = 0, row = 0;
  for (int chunk = 0; chunk < p.C; chunk++) {
    const int64_t end = static_cast<int64_t>(p.queryOffset) - p.phase +
                        (static_cast<int64_t>(chunk) - (p.overlap ? 0 : 1)) * p.window;
    const int limit = static_cast<int>(end < p.M ? end : p.M);
    while (row < limit) {
      const int piece = min(kPiece, limit - row);
      const float least = count == p.capacity ? scores[kept[count - 1]] : -1.0f;
      __syncthreads();
      if (threadIdx.x == 0) newCount = 0;
      __syncthreads();
      for (int i = threadIdx.x; i < piece; i += kThreads) {
        const float score = scores[row + i];
        // Negative: had its chance; NaN: never stored.
        if (!(score >= 0.0f) || !(score > least)) continue;
        const int at = atomicAdd(&newCount, 1);
        newScores[at] = score;
        newRows[at] = row + i;
      }
      __syncthreads();
      const int added = newCount;
      row += piece;
      if (added == 0) continue;
      for (int i = threadIdx.x; i < count; i += kThreads) {
        const float score = scores[kept[i]];
        int place = i;
        for (int j = 0; j < added && place < p.capacity; j++) place += newScores[j] > score ? 1 : 0;
        if (place < p.capacity) next[place] = kept[i];
      }
      for (int i = threadIdx.x; i < added; i += kThreads) {
        const float score = newScores[i];
        const int own = newRows[i];
        int place = keptBefore(scores, kept, count, score);
        for (int j = 0; j < added && place < p.capacity; j++) {
          place += newScores[j] > score || (newScores[j] == score && newRows[j] < own) ? 1 : 0;
        }
        if (place < p.capacity) next[place] = own;
      }
      count = min(p.capacity, count + added);
      int* const other = kept;
      kept = next;
      next = other;
      __syncthreads();
    }
    int* const out = positions + (static_cast<int64_t>(b) * p.C + chunk) * p.capacity;
    for (int i = threadIdx.x; i < p.capacity; i += kThreads) out[i] = i < count ? kept[i] : -1;
  }
}

size_t workspace(const Call& call) {
  const SelectProblem p = problem(call);
  return aligned(static_cast<size_t>(p.B) * 2 * p.capacity * sizeof(int));
}

cudaError_t run(const Call& call) {
  using P = ports::InnovationSelect;
  const SelectProblem p = problem(call);
  return launch(selectKernel, dim3(static_cast<unsigned>(p.B)), kThreads, 0, call.stream, call.in(P::scores),
                call.outInt(P::positions), static_cast<int*>(call.workspace), p);
}

}  // namespace

const Kernel innovationSelect = {run, workspace};

}  // namespace bmojo::cuda
