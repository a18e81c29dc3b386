// Device memory with poisoned bytes behind it, so that writes past the end show.
#pragma once
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "native/cuda/call.h"

namespace bmojo::cuda::harness {

inline void check(cudaError_t error, const std::string& what) {
  if (error != cudaSuccess) throw std::runtime_error(what + ": " + cudaGetErrorString(error));
}

class Buffer {
 public:
  explicit Buffer(size_t bytes, size_t guard = kGuard) : bytes_(bytes), guard_(guard) {
    check(cudaMalloc(&memory_, bytes + guard), "cudaMalloc of " + std::to_string(bytes) + " bytes");
  }
  Buffer(Buffer&& other) noexcept : memory_(other.memory_), bytes_(other.bytes_), guard_(other.guard_) {
    other.memory_ = nullptr;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    if (memory_) cudaFree(memory_);
  }
  void* data() const { return memory_; }
  float* floats() const { return static_cast<float*>(memory_); }
  size_t bytes() const { return bytes_; }
  // Fills the buffer and what lies behind it; 0xff is NaN in every float.
  void poison(int byte) const { check(cudaMemset(memory_, byte, bytes_ + guard_), "cudaMemset"); }
  void upload(const void* from) const { check(cudaMemcpy(memory_, from, bytes_, cudaMemcpyHostToDevice), "upload"); }
  std::vector<uint32_t> download() const {
    std::vector<uint32_t> values(bytes_ / 4);
    check(cudaMemcpy(values.data(), memory_, bytes_, cudaMemcpyDeviceToHost), "download");
    return values;
  }
  // Whether nothing was written behind the end since the poison.
  bool isGuardIntact(int byte) const {
    std::vector<unsigned char> guard(guard_);
    check(cudaMemcpy(guard.data(), static_cast<char*>(memory_) + bytes_, guard_, cudaMemcpyDeviceToHost), "download");
    for (unsigned char value : guard) {
      if (value != byte) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kGuard = 1024;
  void* memory_ = nullptr;
  size_t bytes_, guard_;
};

}  // namespace bmojo::cuda::harness
