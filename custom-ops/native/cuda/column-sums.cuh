// Sums over the rows of a matrix of partial sums, in a fixed order.
#pragma once
#include "native/cuda/device.cuh"

namespace bmojo::cuda {

// sums[column] = sum over rows of rows[row][column], rows `stride` floats apart; does nothing when `sums` is null.
cudaError_t columnSums(const float* rows, float* sums, int rowCount, int columns, int stride, cudaStream_t stream);

}  // namespace bmojo::cuda
