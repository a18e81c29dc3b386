// Inputs and float64 results of the ops' cases, as scripts/cuda-vectors.mjs writes them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace bmojo::cuda::harness {

enum class Kind : uint32_t { kAbsent = 0, kFloat = 1, kInt = 2 };

struct Array {
  Kind kind = Kind::kAbsent;
  // Four bytes each.
  std::vector<uint32_t> values;
  size_t bytes() const { return values.size() * 4; }
};

struct Port {
  std::string name;
  Array array;
  // For an input written in place: its values afterwards.
  Array after;
};

// One call of one kernel; outputs hold the expected values.
struct Run {
  std::string symbol, name;
  double tolerance;
  std::vector<double> scalars;
  std::vector<Port> inputs, outputs;
};

// Throws std::runtime_error when the file cannot be read or is cut off.
std::vector<Run> readVectors(const std::string& path);

}  // namespace bmojo::cuda::harness
