#pragma once

#include <tensorflow/c/kernels.h>

namespace bmojo {

/** The CUDA stream that TensorFlow gives a kernel its inputs on. Throws std::runtime_error where there is none. */
void* cudaStreamOf(TF_OpKernelContext* context);

}  // namespace bmojo
