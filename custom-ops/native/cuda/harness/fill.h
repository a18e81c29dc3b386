// Random inputs made on the device: drawing them on the host would take longer than the timings.
#pragma once
#include <cstddef>
#include <cstdint>

#include "native/cuda/call.h"

namespace bmojo::cuda::harness {

struct Fill {
  enum class Kind { kNormal, kUniform, kInteger, kPoison } kind = Kind::kNormal;
  // Mean and deviation; bounds; lowest and one past the highest.
  float a = 0.0f, b = 1.0f;
};

inline Fill normal(float mean = 0.0f, float deviation = 1.0f) { return {Fill::Kind::kNormal, mean, deviation}; }
inline Fill uniform(float low, float high) { return {Fill::Kind::kUniform, low, high}; }
inline Fill integers(int low, int end) {
  return {Fill::Kind::kInteger, static_cast<float>(low), static_cast<float>(end)};
}
inline Fill unwritten() { return {Fill::Kind::kPoison, 0.0f, 0.0f}; }

// The same values for the same seed on every card.
cudaError_t fillDevice(void* to, size_t count, const Fill& fill, uint32_t seed);
// Reads and writes `quads` float4, as fast as the card can.
cudaError_t copyDevice(const void* from, void* to, size_t quads);

}  // namespace bmojo::cuda::harness
