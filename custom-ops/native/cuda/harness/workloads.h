// The sizes that the harness times, each in its op's folder (workloads.cc).
#pragma once
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>
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
  // Of the kernel: how many of Precision to time, from the first on.
  int precisions = 1;
};

class Prepared;
struct SampleError;

struct Workload {
  std::string name;
  std::vector<Tensor> tensors;
  std::vector<Direction> directions;
  // Compares samples of the results, after forward and backward have run in float32, with float64; may be null.
  std::vector<SampleError> (*check)(const Workload&, const Prepared&) = nullptr;
  std::map<std::string, int> sizes = {};
};

// Sizes for a card, or one of each kind that is small enough for the emulator.
enum class Extent { large, small };

// Of every op that has any; generated.
std::vector<Workload> workloads(Extent extent);

// `swiglu R20 E16`.
std::string sized(const char* op, std::initializer_list<std::pair<const char*, int>> sizes);

// Of the kernel of that symbol.
int variantsOf(const char* symbol);

// A workload's tensors on the device, filled.
class Prepared {
 public:
  explicit Prepared(const Workload& workload);
  cudaError_t launch(const Direction& direction, Precision precision, int variant) const;
  const Buffer& at(const std::string& name) const { return *tensors_.at(name); }
  std::vector<float> floats(const std::string& name) const;
  std::vector<int> ints(const std::string& name) const;
  // Whether no launch has written behind the workspace.
  bool isIntact() const;

 private:
  std::map<std::string, std::unique_ptr<Buffer>> tensors_;
  std::unique_ptr<Buffer> workspace_;
};

}  // namespace bmojo::cuda::harness
