// The one thing that TensorFlow's C interface does not tell: TF_GetStream answers for pluggable devices alone. So this file,
// and no other, is compiled against TensorFlow's C++ headers, those of the very version that it is loaded into.
#include "native/tensorflow/stream.h"

#ifdef BMOJO_EMULATED

void* bmojo::cudaStreamOf(TF_OpKernelContext*) { return nullptr; }

#else

#include <tensorflow/core/framework/device_base.h>
#include <tensorflow/core/framework/op_kernel.h>
#include <xla/stream_executor/stream.h>

#include <stdexcept>

void* bmojo::cudaStreamOf(TF_OpKernelContext* context) {
  const tensorflow::DeviceContext* device =
      reinterpret_cast<tensorflow::OpKernelContext*>(context)->op_device_context();
  if (device == nullptr || device->stream() == nullptr) throw std::runtime_error("TensorFlow gave no CUDA stream");
  return device->stream()->platform_specific_handle().stream;
}

#endif
