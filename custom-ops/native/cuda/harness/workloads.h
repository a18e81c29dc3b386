// The sizes that the harness times.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "native/cuda/harness/buffers.h"
#include "native/cuda/harness/fill.h"

namespace bmojo::cuda::harness {

struct Tensor {
  std::string name;
  size_t count;
  Fill fill;
};

// One kernel over tensors by name; "" stands for an absent one.
struct Direction {
  std::string label, symbol;
  std::vector<std::string> inputs, outputs;
  std::vector<double> scalars;
  // The fewest bytes that must move, and the useful operations (0: not told).
  double bytes, flops;
  // Number of variants of the kernel to time.
  int variants = 1;
  bool hasTf32 = false;
};

struct Workload {
  std::string name;
  std::vector<Tensor> tensors;
  std::vector<Direction> directions;
  // Which results are compared with float64: "", "scan", "attention".
  std::string check;
  std::map<std::string, int> sizes;
};

std::vector<Workload> workloads();
// One of each kind, small enough for the emulator.
std::vector<Workload> smallWorkloads();

// A workload's tensors on the device, filled.
class Prepared {
 public:
  explicit Prepared(const Workload& workload);
  cudaError_t launch(const Direction& direction, Precision precision, int variant) const;
  const Buffer& at(const std::string& name) const { return *tensors_.at(name); }
  std::vector<float> floats(const std::string& name) const;
  std::vector<int> ints(const std::string& name) const;

 private:
  std::map<std::string, std::unique_ptr<Buffer>> tensors_;
  std::unique_ptr<Buffer> workspace_;
};

}  // namespace bmojo::cuda::harness
