// How every CUDA kernel of the project is called: raw device pointers in the order of the op's ports (kernelPorts in
// op.ts; null where absent), a workspace whose size the kernel tells, the numbers that the C++ kernels take too
// (NativeCall.scalars), and a stream. Nothing here knows TensorFlow.
#pragma once
#include <cstddef>
#include <cstdint>

#ifdef BMOJO_EMULATED
#include "native/cuda/emulator.h"
#else
#include <cuda_runtime_api.h>
#endif

namespace bmojo::cuda {

// How the factors of matrix products are rounded for matrix units: split into two TF32 parts, which keeps float32's
// accuracy, or once, which is faster: to 11 bits (TF32, float16) or 8 (bfloat16).
enum class Precision { kFloat32, kTf32, kFloat16, kBfloat16 };

constexpr const char* nameOf(Precision precision) {
  constexpr const char* names[] = {"float32", "tf32", "float16", "bfloat16"};
  return names[static_cast<int>(precision)];
}

constexpr bool isHalf(Precision precision) {
  return precision == Precision::kFloat16 || precision == Precision::kBfloat16;
}
template <Precision kPrecision>
constexpr bool kIsHalf = isHalf(kPrecision);

struct Call {
  const void* const* inputs = nullptr;
  void* const* outputs = nullptr;
  // Where the results of inputs that the op writes in place go, in the order of these; null: over the inputs.
  void* const* copies = nullptr;
  void* workspace = nullptr;
  const double* scalars = nullptr;
  cudaStream_t stream = nullptr;
  Precision precision = Precision::kFloat32;
  // 0: the kernel's own choice; others: shapes of blocks kept for timing, see the op's kernel.cu.
  int variant = 0;

  const float* in(int i) const { return static_cast<const float*>(inputs[i]); }
  const int32_t* inInt(int i) const { return static_cast<const int32_t*>(inputs[i]); }
  // The result of input i, the k-th of those that the op declares as written in place.
  float* inPlace(int i, int k) const { return static_cast<float*>(copies ? copies[k] : const_cast<void*>(inputs[i])); }
  float* out(int i) const { return static_cast<float*>(outputs[i]); }
  int32_t* outInt(int i) const { return static_cast<int32_t*>(outputs[i]); }
  int integer(int i) const { return static_cast<int>(scalars[i]); }
  float number(int i) const { return static_cast<float>(scalars[i]); }
};

inline size_t noWorkspace(const Call&) { return 0; }

struct Kernel {
  // cudaErrorInvalidValue: sizes that the kernel is not built for, see the op's README.
  cudaError_t (*launch)(const Call&);
  // Bytes of workspace, 16-byte aligned; pointers are not read, only whether they are null.
  size_t (*workspaceBytes)(const Call&) = noWorkspace;
  // Of Call::variant.
  int variants = 1;
  // How many of Precision, from the first on, it computes in; the others are its float32.
  int precisions = 1;

  bool computesIn(Precision precision) const { return static_cast<int>(precision) < precisions; }
};

// By NativeCall.symbol of the op's definition; null when there is none.
const Kernel* findKernel(const char* symbol);

}  // namespace bmojo::cuda
