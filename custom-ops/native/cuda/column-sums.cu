#include "native/cuda/column-sums.cuh"

namespace bmojo::cuda {

namespace {

constexpr int kSumColumns = 32;
constexpr int kSumRows = 8;

// A thread adds every eighth row of its column; the eight sums are then added in order.
__global__ void __launch_bounds__(kSumColumns * kSumRows)
columnSumsKernel(const float* __restrict__ rows, float* __restrict__ sums, int rowCount, int columns, int stride) {
  __shared__ float parts[kSumRows][kSumColumns];
  const int lane = threadIdx.x % kSumColumns, group = threadIdx.x / kSumColumns;
  const int64_t column = static_cast<int64_t>(blockIdx.x) * kSumColumns + lane;
  float sum = 0.0f;
  if (column < columns) {
    for (int row = group; row < rowCount; row += kSumRows) sum += rows[static_cast<int64_t>(row) * stride + column];
  }
  parts[group][lane] = sum;
  __syncthreads();
  if (group != 0 || column >= columns) return;
  for (int i = 1; i < kSumRows; i++) sum += parts[i][lane];
  sums[column] = sum;
}

}  // namespace

cudaError_t columnSums(const float* rows, float* sums, int rowCount, int columns, int stride,
                              cudaStream_t stream) {
  if (!sums || columns == 0) return cudaSuccess;
  return launch(columnSumsKernel, dim3(static_cast<unsigned>(ceilDiv(columns, kSumColumns))),
                kSumColumns * kSumRows, 0, stream, rows, sums, rowCount, columns, stride);
}

}  // namespace bmojo::cuda
