// Sizes and inputs of the state-space dual scan, its chunks, and their rows in memory.
#pragma once
#include "native/cuda/kernels.generated.h"
#include "ssd-scan/block-product.cuh"

namespace bmojo::cuda {

struct SsdProblem {
  int B, L, H, P, G, N, Q, S;
  float least, most;
  const float *x, *delta, *A, *writes, *reads, *D, *deltaBias, *initialState;
  // Whether rows of P floats, and of N, are whole vectors wherever they lie.
  bool wideInputs, wideStates;

  __host__ __device__ int rowBlocks() const { return Q / kBlock; }
  __host__ __device__ int inputBlocks() const { return (P + kBlock - 1) / kBlock; }
  __host__ __device__ int stateBlocks() const { return (N + kBlock - 1) / kBlock; }
  // Heads, and groups, of all chunks.
  __host__ __device__ int64_t heads() const { return static_cast<int64_t>(B) * S * H; }
  __host__ __device__ int64_t groups() const { return static_cast<int64_t>(B) * S * G; }
  __host__ __device__ int headsOfGroup() const { return H / G; }
};

// The inputs are at the same places in both directions.
inline SsdProblem ssdProblem(const Call& call) {
  using I = ports::SsdScanForward;
  using Size = I::Scalar;
  SsdProblem p;
  p.B = call.integer(Size::B), p.L = call.integer(Size::L), p.H = call.integer(Size::H), p.P = call.integer(Size::P);
  p.G = call.integer(Size::G), p.N = call.integer(Size::N), p.Q = call.integer(Size::chunk);
  p.S = static_cast<int>(ceilDiv(p.L, p.Q));
  p.least = call.number(Size::deltaLeast), p.most = call.number(Size::deltaMost);
  p.x = call.in(I::x), p.delta = call.in(I::delta), p.A = call.in(I::A), p.writes = call.in(I::B), p.reads = call.in(I::C);
  p.D = call.in(I::D), p.deltaBias = call.in(I::deltaBias), p.initialState = call.in(I::initialState);
  p.wideInputs = p.P % 4 == 0 && isAligned16(p.x);
  p.wideStates = p.N % 4 == 0 && isAligned16(p.writes) && isAligned16(p.reads) && isAligned16(p.initialState);
  return p;
}

// One chunk of a batch row.
struct SsdChunk {
  int batch, chunk, tokens;
  // The chunk's first token in [B, L].
  int64_t first;

  __device__ SsdChunk(const SsdProblem& p, int64_t chunkOfAll)
      : batch(static_cast<int>(chunkOfAll / p.S)), chunk(static_cast<int>(chunkOfAll % p.S)),
        tokens(min(p.Q, p.L - chunk * p.Q)), first(static_cast<int64_t>(batch) * p.L + chunk * p.Q) {}

  // In [B, S, H] and [B, S, G].
  __device__ int64_t headAt(const SsdProblem& p, int head) const {
    return (static_cast<int64_t>(batch) * p.S + chunk) * p.H + head;
  }
  __device__ int64_t groupAt(const SsdProblem& p, int group) const {
    return (static_cast<int64_t>(batch) * p.S + chunk) * p.G + group;
  }
  // Where a token's row begins in [B, L, H, P] and [B, L, G, N].
  __device__ int64_t inputAt(const SsdProblem& p, int head, int token) const {
    return ((first + token) * p.H + head) * p.P;
  }
  __device__ int64_t sharedAt(const SsdProblem& p, int group, int token) const {
    return ((first + token) * p.G + group) * p.N;
  }
  // Tokens of a head of [B, L, H, P]; of a group of [B, L, G, N]; channels of [B, S, H, P, N]; tokens of [B, S, G, Q, Q].
  __device__ Rows inputs(const SsdProblem& p, int head, const float* of) const {
    return {of + inputAt(p, head, 0), p.H * p.P, tokens, p.P, p.wideInputs};
  }
  __device__ Rows shared(const SsdProblem& p, int group, const float* of) const {
    return {of + sharedAt(p, group, 0), p.G * p.N, tokens, p.N, p.wideStates};
  }
  __device__ Rows states(const SsdProblem& p, int head, const float* of) const {
    return {of + headAt(p, head) * p.P * p.N, p.N, p.P, p.N, p.wideStates};
  }
  __device__ Rows scores(const SsdProblem& p, int group, const float* of) const {
    return {of + groupAt(p, group) * p.Q * p.Q, p.Q, p.Q, p.Q, true};
  }
};

// What the tokens of a chunk are to a head, in shared memory: the decay from before the chunk's first token through each, as a
// power of two, and its step size.
struct TokenMemory {
  float *decays, *stepSizes;
  int last;

  __device__ TokenMemory(float* memory, const SsdProblem& p) : decays(memory), stepSizes(memory + p.Q), last(p.Q - 1) {}

  // All threads of the block must come here.
  __device__ void load(const float2* steps, int64_t head) const {
    for (int t = threadIdx.x; t <= last; t += blockDim.x) {
      const float2 token = steps[head * (last + 1) + t];
      decays[t] = token.x, stepSizes[t] = token.y;
    }
    __syncthreads();
  }
  __device__ float fromStart(int t) const { return ex2(decays[t]); }
  __device__ float untilEnd(int t) const { return ex2(decays[last] - decays[t]); }
  // Decays from four tokens to the token `line`, 0 from those behind it.
  __device__ float4 fades(int line, int quad) const {
    const float4 of = reinterpret_cast<const float4*>(decays)[quad];
    const float own = decays[line];
    const int first = 4 * quad;
    return make_float4(first <= line ? ex2(own - of.x) : 0.0f, first + 1 <= line ? ex2(own - of.y) : 0.0f,
                       first + 2 <= line ? ex2(own - of.z) : 0.0f, first + 3 <= line ? ex2(own - of.w) : 0.0f);
  }
  __device__ float4 steps(int quad) const { return reinterpret_cast<const float4*>(stepSizes)[quad]; }
};

// Floats of shared memory of kernels that multiply blocks: the product's, then TokenMemory's.
inline size_t productBytes(const SsdProblem& p) { return (kProductFloats + 2 * static_cast<size_t>(p.Q)) * sizeof(float); }

// A kernel in the precision that a call asks for.
#define BMOJO_IN_PRECISION(call, kernel) \
  ((call).precision == Precision::kTf32 ? kernel<Precision::kTf32> : kernel<Precision::kFloat32>)

}  // namespace bmojo::cuda
