// Runs an operator's CUDA kernel on a prepared call. Knows no TensorFlow: memory and stream are given.
#pragma once

#include <stddef.h>

#include <functional>

#include "native/tensorflow/operator.h"

namespace bmojo {

/** Whether there is a kernel of the name that the op gives. */
bool hasCudaKernel(const Operator& op, Direction direction);

/**
 * Launches the CUDA kernel on `stream` and returns without waiting for it. `workspace` gives device memory that the
 * stream may use until the work is done. Throws ArgumentError, also for integers in device memory that an earlier call
 * of the op found out of range; std::runtime_error for errors of CUDA.
 */
void runOnCuda(const Operator& op, Direction direction, const Ports& ports, Call& call, void* stream,
               const std::function<void*(size_t bytes)>& workspace);

}  // namespace bmojo
