// y = x * gain / rms(x) on CUDA: a warp for each row, which stays in registers up to 1,024 channels.
#include "native/cuda/column-sums.cuh"
#include "native/cuda/elementwise.cuh"
#include "native/cuda/kernels.generated.h"

namespace bmojo::cuda {

namespace {

constexpr int kWarps = 8;
constexpr int kThreads = kWarps * kWarp;
// Widest row whose partial gains fit into registers, and blocks that share the rows of the gradient.
constexpr int kWidest = 1024;
constexpr int kGradientBlocks = 264;

__global__ void __launch_bounds__(kThreads)
forwardKernel(const float* __restrict__ x, const float* __restrict__ gain, float* __restrict__ y,
              float* __restrict__ inverseRms, int64_t rows, int D, float epsilon, int quads) {
  const int lane = threadIdx.x % kWarp;
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / kWarp;
  if (row >= rows) return;
  const float* const from = x + row * D;
  float* const to = y + row * D;
  float squares = 0.0f;
  for (int q = lane; q < quads; q += kWarp) {
    const Pack<4> v = loadPack<4>(from + 4 * q);
#pragma unroll
    for (int k = 0; k < 4; k++) squares = fmaf(v.x[k], v.x[k], squares);
  }
  for (int d = 4 * quads + lane; d < D; d += kWarp) squares = fmaf(from[d], from[d], squares);
  const float scale = 1.0f / sqrtf(warpSum(squares) / static_cast<float>(D) + epsilon);
  if (lane == 0) inverseRms[row] = scale;
  for (int q = lane; q < quads; q += kWarp) {
    Pack<4> v = loadPack<4>(from + 4 * q);
    const Pack<4> g = loadPack<4>(gain + 4 * q);
#pragma unroll
    for (int k = 0; k < 4; k++) v.x[k] = v.x[k] * scale * g.x[k];
    storePack<4>(to + 4 * q, v);
  }
  for (int d = 4 * quads + lane; d < D; d += kWarp) to[d] = from[d] * scale * gain[d];
}

// kPacks packs of kWidth channels for each lane; partial gains [blocks, D].
template <int kWidth, int kPacks>
__global__ void __launch_bounds__(kThreads)
backwardKernel(const float* __restrict__ x, const float* __restrict__ gain, const float* __restrict__ inverseRms,
               const float* __restrict__ gradY, float* __restrict__ gradX, float* __restrict__ partialGains,
               int64_t rows, int D) {
  BMOJO_SHARED(shared);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  Pack<kWidth> sums[kPacks], gains[kPacks];
#pragma unroll
  for (int p = 0; p < kPacks; p++) {
    const int d = (p * kWarp + lane) * kWidth;
#pragma unroll
    for (int k = 0; k < kWidth; k++) sums[p].x[k] = gains[p].x[k] = 0.0f;
    if (d < D) gains[p] = loadPack<kWidth>(gain + d);
  }
  for (int64_t row = static_cast<int64_t>(blockIdx.x) * kWarps + warp; row < rows; row += gridDim.x * kWarps) {
    const float scale = inverseRms[row];
    Pack<kWidth> normed[kPacks], grads[kPacks];
    float projection = 0.0f;
#pragma unroll
    for (int p = 0; p < kPacks; p++) {
      const int d = (p * kWarp + lane) * kWidth;
      if (d >= D) continue;
      normed[p] = loadPack<kWidth>(x + row * D + d);
      grads[p] = loadPack<kWidth>(gradY + row * D + d);
#pragma unroll
      for (int k = 0; k < kWidth; k++) {
        normed[p].x[k] *= scale;
        sums[p].x[k] = fmaf(grads[p].x[k], normed[p].x[k], sums[p].x[k]);
        grads[p].x[k] *= gains[p].x[k];
        projection = fmaf(grads[p].x[k], normed[p].x[k], projection);
      }
    }
    projection = warpSum(projection) / static_cast<float>(D);
#pragma unroll
    for (int p = 0; p < kPacks; p++) {
      const int d = (p * kWarp + lane) * kWidth;
      if (d >= D) continue;
#pragma unroll
      for (int k = 0; k < kWidth; k++) grads[p].x[k] = scale * (grads[p].x[k] - normed[p].x[k] * projection);
      storePack<kWidth>(gradX + row * D + d, grads[p]);
    }
  }
#pragma unroll
  for (int p = 0; p < kPacks; p++) {
    const int d = (p * kWarp + lane) * kWidth;
    if (d < D) storePack<kWidth>(shared + warp * D + d, sums[p]);
  }
  __syncthreads();
  for (int d = threadIdx.x; d < D; d += kThreads) {
    float sum = shared[d];
    for (int w = 1; w < kWarps; w++) sum += shared[w * D + d];
    partialGains[static_cast<int64_t>(blockIdx.x) * D + d] = sum;
  }
}

// Rows too wide for registers: the row twice, and the gains from a pass of their own.
__global__ void __launch_bounds__(kThreads)
wideBackwardKernel(const float* __restrict__ x, const float* __restrict__ gain, const float* __restrict__ inverseRms,
                   const float* __restrict__ gradY, float* __restrict__ gradX, int64_t rows, int D) {
  const int lane = threadIdx.x % kWarp;
  const int64_t row = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / kWarp;
  if (row >= rows) return;
  const float scale = inverseRms[row];
  float projection = 0.0f;
  for (int d = lane; d < D; d += kWarp) projection = fmaf(gradY[row * D + d] * gain[d], x[row * D + d] * scale, projection);
  projection = warpSum(projection) / static_cast<float>(D);
  for (int d = lane; d < D; d += kWarp) {
    gradX[row * D + d] = scale * (gradY[row * D + d] * gain[d] - x[row * D + d] * scale * projection);
  }
}

__global__ void __launch_bounds__(kThreads)
wideGainKernel(const float* __restrict__ x, const float* __restrict__ inverseRms, const float* __restrict__ gradY,
               float* __restrict__ partialGains, int64_t rows, int D) {
  const int d = blockIdx.x * kThreads + threadIdx.x;
  if (d >= D) return;
  float sum = 0.0f;
  for (int64_t row = blockIdx.y; row < rows; row += gridDim.y) {
    sum = fmaf(gradY[row * D + d], x[row * D + d] * inverseRms[row], sum);
  }
  partialGains[static_cast<int64_t>(blockIdx.y) * D + d] = sum;
}

int gradientBlocks(int64_t rows) {
  const int64_t blocks = ceilDiv(rows, kWarps);
  return static_cast<int>(blocks < kGradientBlocks ? blocks : kGradientBlocks);
}

template <int kWidth, int kPacks>
cudaError_t launchBackward(const Call& call, float* partials, int blocks, int64_t rows, int D) {
  using P = ports::RmsNormBackward;
  return launch(backwardKernel<kWidth, kPacks>, dim3(static_cast<unsigned>(blocks)), kThreads,
                static_cast<size_t>(kWarps) * D * 4, call.stream, call.in(P::x), call.in(P::gain),
                call.in(P::inverseRms), call.in(P::gradY), call.out(P::gradX), partials, rows, D);
}

cudaError_t runForward(const Call& call) {
  using P = ports::RmsNormForward;
  using S = P::Scalar;
  const int64_t rows = call.integer(S::BL);
  const int D = call.integer(S::D);
  const bool isAligned = D % 4 == 0 && isAligned16(call.in(P::x)) && isAligned16(call.in(P::gain)) &&
                         isAligned16(call.out(P::y));
  return launch(forwardKernel, dim3(static_cast<unsigned>(ceilDiv(rows, kWarps))), kThreads, 0, call.stream,
                call.in(P::x), call.in(P::gain), call.out(P::y), call.out(P::inverseRms), rows, D,
                call.number(S::epsilon), isAligned ? D / 4 : 0);
}

size_t backwardWorkspace(const Call& call) {
  using S = ports::RmsNormBackward::Scalar;
  return aligned(static_cast<size_t>(gradientBlocks(call.integer(S::BL))) * call.integer(S::D) * 4);
}

cudaError_t runBackward(const Call& call) {
  using P = ports::RmsNormBackward;
  using S = P::Scalar;
  const int64_t rows = call.integer(S::BL);
  const int D = call.integer(S::D), blocks = gradientBlocks(rows);
  float* partials = static_cast<float*>(call.workspace);
  const bool isAligned = D % 4 == 0 && isAligned16(call.in(P::x)) && isAligned16(call.in(P::gain)) &&
                         isAligned16(call.in(P::gradY)) && isAligned16(call.out(P::gradX));
  if (D > kWidest) {
    BMOJO_RETURN_IF(launch(wideBackwardKernel, dim3(static_cast<unsigned>(ceilDiv(rows, kWarps))), kThreads, 0,
                           call.stream, call.in(P::x), call.in(P::gain), call.in(P::inverseRms), call.in(P::gradY),
                           call.out(P::gradX), rows, D));
    BMOJO_RETURN_IF(launch(wideGainKernel, dim3(static_cast<unsigned>(ceilDiv(D, kThreads)), static_cast<unsigned>(blocks)),
                           kThreads, 0, call.stream, call.in(P::x), call.in(P::inverseRms), call.in(P::gradY), partials,
                           rows, D));
  } else if (!isAligned) {
    BMOJO_RETURN_IF((launchBackward<1, 32>(call, partials, blocks, rows, D)));
  } else if (D <= 128) {
    BMOJO_RETURN_IF((launchBackward<4, 1>(call, partials, blocks, rows, D)));
  } else if (D <= 256) {
    BMOJO_RETURN_IF((launchBackward<4, 2>(call, partials, blocks, rows, D)));
  } else if (D <= 512) {
    BMOJO_RETURN_IF((launchBackward<4, 4>(call, partials, blocks, rows, D)));
  } else {
    BMOJO_RETURN_IF((launchBackward<4, 8>(call, partials, blocks, rows, D)));
  }
  return columnSums(partials, call.out(P::gradGain), blocks, D, D, call.stream);
}

}  // namespace

const Kernel rmsNormForward = {runForward};
const Kernel rmsNormBackward = {runBackward, backwardWorkspace};

}  // namespace bmojo::cuda
