// Depthwise causal convolution on CUDA: a thread walks one channel through a segment of time with its last K inputs in
// registers. Sums over time are kept for each segment and added up by a second kernel.
#include "native/cuda/column-sums.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

namespace {

constexpr int kThreads = 128;
constexpr int kSegment = 64;

struct ConvProblem {
  int B, L, E, K, silu;
  const float *x, *weight, *bias, *initialState;
};

ConvProblem problem(const Call& call) {
  using P = ports::CausalConv1dForward;
  using S = P::Scalar;
  return {call.integer(S::B), call.integer(S::L), call.integer(S::E), call.integer(S::K), call.integer(S::activation),
          call.in(P::x),       call.in(P::weight),  call.in(P::bias),    call.in(P::initialState)};
}

// Input of step t, which may lie before the first.
__device__ inline float inputOf(const ConvProblem& p, int b, int t, int e) {
  if (t >= 0) return t < p.L ? p.x[(static_cast<int64_t>(b) * p.L + t) * p.E + e] : 0.0f;
  const int past = p.K - 1 + t;
  return p.initialState && past >= 0 ? p.initialState[(static_cast<int64_t>(b) * (p.K - 1) + past) * p.E + e] : 0.0f;
}

// Weights of the last K of kTaps taps; those before are zero.
template <int kTaps>
__device__ inline void loadWeights(float (&weights)[kTaps], const ConvProblem& p, int e) {
#pragma unroll
  for (int i = 0; i < kTaps; i++) {
    const int tap = i - (kTaps - p.K);
    weights[i] = tap >= 0 ? p.weight[static_cast<int64_t>(tap) * p.E + e] : 0.0f;
  }
}

// Moves the window of inputs on to step t.
template <int kTaps>
__device__ inline void advance(float (&inputs)[kTaps], float next) {
#pragma unroll
  for (int i = 0; i + 1 < kTaps; i++) inputs[i] = inputs[i + 1];
  inputs[kTaps - 1] = next;
}

template <int kTaps>
__device__ inline float convolve(const float (&inputs)[kTaps], const float (&weights)[kTaps], float bias) {
  float sum = bias;
#pragma unroll
  for (int i = 0; i < kTaps; i++) sum = fmaf(weights[i], inputs[i], sum);
  return sum;
}

template <int kTaps>
__global__ void __launch_bounds__(kThreads)
forwardKernel(ConvProblem p, float* __restrict__ y, float* __restrict__ finalState) {
  const int e = blockIdx.x * kThreads + threadIdx.x, b = blockIdx.z;
  if (e >= p.E) return;
  const int begin = blockIdx.y * kSegment, end = min(p.L, begin + kSegment);
  float weights[kTaps], inputs[kTaps];
  loadWeights(weights, p, e);
  const float bias = p.bias ? p.bias[e] : 0.0f;
#pragma unroll
  for (int i = 0; i < kTaps; i++) inputs[i] = inputOf(p, b, begin - kTaps + i, e);
#pragma unroll 8
  for (int t = begin; t < end; t++) {
    const int64_t at = (static_cast<int64_t>(b) * p.L + t) * p.E + e;
    advance(inputs, p.x[at]);
    const float sum = convolve(inputs, weights, bias);
    y[at] = p.silu ? sum * sigmoid(sum) : sum;
  }
  if (end != p.L) return;
#pragma unroll
  for (int i = 1; i < kTaps; i++) {
    const int past = i - (kTaps - p.K) - 1;
    if (past >= 0) finalState[(static_cast<int64_t>(b) * (p.K - 1) + past) * p.E + e] = inputs[i];
  }
}

struct ConvGradients {
  float *x, *initialState;
  // Partial sums [segments, B, ...].
  float *weight, *bias;
};

// At time t the gradient of the input of step t - kTaps + 1 is complete.
template <int kTaps>
__global__ void __launch_bounds__(kThreads)
backwardKernel(ConvProblem p, const float* __restrict__ gradY, const float* __restrict__ gradFinalState,
               ConvGradients grads) {
  const int e = blockIdx.x * kThreads + threadIdx.x, b = blockIdx.z;
  if (e >= p.E) return;
  const int begin = blockIdx.y * kSegment, end = min(p.L, begin + kSegment);
  const int firstStep = begin == 0 ? 1 - p.K : begin;
  // slopes[j]: d loss / d (sum before the activation) of time t - kTaps + 1 + j.
  float weights[kTaps], inputs[kTaps], slopes[kTaps], weightSums[kTaps] = {}, biasSum = 0.0f;
  loadWeights(weights, p, e);
  const float bias = p.bias ? p.bias[e] : 0.0f;
  // A segment but the first starts with steps whose slopes began before it: none of them is its own.
#pragma unroll
  for (int i = 0; i < kTaps; i++) {
    inputs[i] = inputOf(p, b, begin - kTaps + i, e);
    slopes[i] = 0.0f;
  }
#pragma unroll 4
  for (int t = begin; t <= end + kTaps - 2; t++) {
    const bool isToken = t < p.L;
    const int64_t at = (static_cast<int64_t>(b) * p.L + t) * p.E + e;
    advance(inputs, isToken ? p.x[at] : 0.0f);
    float g = isToken ? gradY[at] : 0.0f;
    if (p.silu) {
      const float sum = convolve(inputs, weights, bias), gate = sigmoid(sum);
      g *= gate * (1.0f + sum * (1.0f - gate));
    }
    advance(slopes, g);
    if (t < end) {
      biasSum += g;
#pragma unroll
      for (int i = 0; i < kTaps; i++) weightSums[i] = fmaf(g, inputs[i], weightSums[i]);
    }
    const int step = t - kTaps + 1;
    if (step < firstStep) continue;
    const int kept = step - (p.L - p.K + 1);
    float grad = kept >= 0 ? gradFinalState[(static_cast<int64_t>(b) * (p.K - 1) + kept) * p.E + e] : 0.0f;
#pragma unroll
    for (int i = 0; i < kTaps; i++) grad = fmaf(weights[i], slopes[kTaps - 1 - i], grad);
    if (step >= 0) {
      grads.x[(static_cast<int64_t>(b) * p.L + step) * p.E + e] = grad;
    } else if (grads.initialState) {
      grads.initialState[(static_cast<int64_t>(b) * (p.K - 1) + step + p.K - 1) * p.E + e] = grad;
    }
  }
  const int64_t part = static_cast<int64_t>(blockIdx.y) * p.B + b;
#pragma unroll
  for (int i = 0; i < kTaps; i++) {
    const int tap = i - (kTaps - p.K);
    if (tap >= 0) grads.weight[(part * p.K + tap) * p.E + e] = weightSums[i];
  }
  grads.bias[part * p.E + e] = biasSum;
}

dim3 convGrid(const ConvProblem& p) {
  return dim3(static_cast<unsigned>(ceilDiv(p.E, kThreads)), static_cast<unsigned>(ceilDiv(p.L, kSegment)),
              static_cast<unsigned>(p.B));
}

struct Partials {
  float *weight, *bias;
  int rows;
  size_t bytes;
};

Partials partials(const ConvProblem& p, void* workspace) {
  Carver carver = {static_cast<char*>(workspace)};
  Partials parts;
  parts.rows = static_cast<int>(ceilDiv(p.L, kSegment)) * p.B;
  parts.weight = carver.floats(static_cast<size_t>(parts.rows) * p.K * p.E);
  parts.bias = carver.floats(static_cast<size_t>(parts.rows) * p.E);
  parts.bytes = carver.used;
  return parts;
}

cudaError_t runForward(const Call& call) {
  using P = ports::CausalConv1dForward;
  const ConvProblem p = problem(call);
  float *y = call.out(P::y), *finalState = call.out(P::finalState);
  if (p.K <= 4) return launch(forwardKernel<4>, convGrid(p), kThreads, 0, call.stream, p, y, finalState);
  if (p.K <= 8) return launch(forwardKernel<8>, convGrid(p), kThreads, 0, call.stream, p, y, finalState);
  if (p.K <= 16) return launch(forwardKernel<16>, convGrid(p), kThreads, 0, call.stream, p, y, finalState);
  return cudaErrorInvalidValue;
}

size_t backwardWorkspace(const Call& call) { return partials(problem(call), nullptr).bytes; }

cudaError_t runBackward(const Call& call) {
  using P = ports::CausalConv1dBackward;
  const ConvProblem p = problem(call);
  const Partials parts = partials(p, call.workspace);
  const float *gradY = call.in(P::gradY), *gradFinalState = call.in(P::gradFinalState);
  const ConvGradients grads = {call.out(P::gradX), call.out(P::gradInitialState), parts.weight, parts.bias};
  const dim3 grid = convGrid(p);
  if (p.K > 16) return cudaErrorInvalidValue;
  if (p.K <= 4) {
    BMOJO_RETURN_IF(launch(backwardKernel<4>, grid, kThreads, 0, call.stream, p, gradY, gradFinalState, grads));
  } else if (p.K <= 8) {
    BMOJO_RETURN_IF(launch(backwardKernel<8>, grid, kThreads, 0, call.stream, p, gradY, gradFinalState, grads));
  } else {
    BMOJO_RETURN_IF(launch(backwardKernel<16>, grid, kThreads, 0, call.stream, p, gradY, gradFinalState, grads));
  }
  BMOJO_RETURN_IF(columnSums(parts.weight, call.out(P::gradWeight), parts.rows, p.K * p.E, p.K * p.E, call.stream));
  return columnSums(parts.bias, call.out(P::gradBias), parts.rows, p.E, p.E, call.stream);
}

}  // namespace

const Kernel causalConv1dForward = {runForward};
const Kernel causalConv1dBackward = {runBackward, backwardWorkspace};

}  // namespace bmojo::cuda
