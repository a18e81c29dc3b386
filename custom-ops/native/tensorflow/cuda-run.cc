#include "native/tensorflow/cuda-run.h"

#include <string.h>

#include <map>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "native/cuda/bounded-integers.h"
#include "native/cuda/call.h"

namespace bmojo {

namespace {

using Workspace = std::function<void*(size_t bytes)>;

void throwUnlessOk(cudaError_t error, const char* what) {
  if (error != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

/** An attribute of several words counts as its place among them. */
double placeOf(const Attribute& attribute, const std::string& word) {
  const std::string type = attribute.type;
  double place = 0;
  for (size_t at = 0; at < type.find("'" + word + "'"); at++) place += type[at] == ',';
  return place;
}

double scalarOf(const Operator& op, const Call& call, const char* name) {
  for (const Attribute& attribute : op.attributes)
    if (strcmp(attribute.name, name) == 0)
      return attribute.type[0] == '{' ? placeOf(attribute, call.values.text(name)) : call.values.number(name);
  for (const char* varying : op.varying)
    if (strcmp(varying, name) == 0) return call.values.number(name);
  double elements = 1;
  for (const std::string& token : tokensOf(name)) elements *= (double)call.sizes[token];
  return elements;
}

/** What the kernel does not compute in is computed in float32. */
cuda::Precision precisionOf(const Operator& op, const Call& call, const cuda::Kernel& kernel) {
  for (const Attribute& attribute : op.attributes) {
    if (strcmp(attribute.name, "precision") != 0) continue;
    for (const auto precision : {cuda::Precision::kTf32, cuda::Precision::kFloat16, cuda::Precision::kBfloat16})
      if (kernel.computesIn(precision) && call.values.is("precision", cuda::nameOf(precision))) return precision;
  }
  return cuda::Precision::kFloat32;
}

/** Where the check of integers in device memory notes what it found, one place for each op, for good. */
int32_t* foundOf(const Operator& op) {
  static std::mutex mutex;
  static std::map<std::string, int32_t*> places;
  std::lock_guard<std::mutex> lock(mutex);
  int32_t*& place = places[op.name];
  if (place == nullptr) {
    throwUnlessOk(cudaHostAlloc((void**)&place, sizeof(int32_t), cudaHostAllocMapped), "memory shared with the GPU");
    *place = 0;
  }
  return place;
}

void refuseWhatWasFound(const Operator& op) {
  volatile int32_t* place = foundOf(op);
  const int32_t found = *place;
  if (found == 0) return;
  *place = 0;
  refuse(op.name, op.ranged, "within its range",
         "a number outside of it at flat index " + std::to_string(found - 1) + " in an earlier call");
}

class Launch {
 public:
  Launch(const Operator& op, const Call& call, cudaStream_t stream, const Workspace& workspace)
      : op_(op), call_(call), stream_(stream), workspace_(workspace) {}

  /** The input as the kernel gets it: in device memory, and of the values that it can bear. */
  const void* input(const Port& port, const View& view) const {
    if (view.data == nullptr) return nullptr;
    const size_t bytes = (size_t)view.length() * 4;
    if (!view.isOnGpu) {
      // Pageable memory is copied before the call returns; what TensorFlow gives may not be pageable.
      static thread_local std::vector<char> held;
      held.assign((const char*)view.data, (const char*)view.data + bytes);
      void* copy = workspace_(bytes);
      throwUnlessOk(cudaMemcpyAsync(copy, held.data(), bytes, cudaMemcpyHostToDevice, stream_), "a copy to the GPU");
      return copy;
    }
    if (op_.ranged == nullptr || port.name != op_.ranged) return view.data;
    const IntegerRange range = op_.range(call_.sizes, call_.values);
    int32_t* bounded = (int32_t*)workspace_(bytes);
    throwUnlessOk(cuda::boundIntegers((const int32_t*)view.data, bounded, view.length(),
                                      {(int)range.lowest, (int)range.highest, (int)range.besides}, foundOf(op_), stream_),
                  "the check of integers");
    return bounded;
  }

  void poison(void* data, size_t bytes) const {
    if (call_.poisons && data != nullptr && bytes > 0)
      throwUnlessOk(cudaMemsetAsync(data, 0xff, bytes, stream_), "filling with NaN");
  }

 private:
  const Operator& op_;
  const Call& call_;
  cudaStream_t stream_;
  const Workspace& workspace_;
};

std::string printedSizes(const Ports& ports, const Call& call) {
  std::string all;
  for (size_t i = 0; i < ports.inputs.size(); i++) {
    if (call.inputs[i].data == nullptr) continue;
    all += (all.empty() ? "" : ", ") + ports.inputs[i].name + " " + printed(call.inputs[i].shape);
  }
  return all;
}

}  // namespace

bool hasCudaKernel(const Operator& op, Direction direction) {
  const char* symbol = cudaKernelOf(op, direction).symbol;
  return symbol != nullptr && cuda::findKernel(symbol) != nullptr;
}

void runOnCuda(const Operator& op, Direction direction, const Ports& ports, Call& call, void* stream,
               const Workspace& workspace) {
  const CudaKernel& declared = cudaKernelOf(op, direction);
  const cuda::Kernel& kernel = *cuda::findKernel(declared.symbol);
  if (op.ranged != nullptr) refuseWhatWasFound(op);
  const Launch launch(op, call, (cudaStream_t)stream, workspace);
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
  std::vector<double> scalars;
  for (size_t i = 0; i < ports.inputs.size(); i++) inputs.push_back(launch.input(ports.inputs[i], call.inputs[i]));
  for (const View& view : call.outputs) {
    launch.poison(view.data, (size_t)view.length() * 4);
    outputs.push_back(view.data);
  }
  for (const char* name : declared.scalars) scalars.push_back(scalarOf(op, call, name));
  cuda::Call raw;
  raw.inputs = inputs.data();
  raw.outputs = outputs.data();
  // What is written in place elsewhere comes after the results here (portsOf).
  if (direction == Direction::forward) raw.copies = outputs.data() + op.outputs.size();
  raw.scalars = scalars.data();
  raw.stream = (cudaStream_t)stream;
  raw.precision = precisionOf(op, call, kernel);
  const size_t bytes = kernel.workspaceBytes(raw);
  raw.workspace = bytes > 0 ? workspace(bytes) : nullptr;
  launch.poison(raw.workspace, bytes);
  const cudaError_t error = kernel.launch(raw);
  if (error == cudaErrorInvalidValue)
    refuse(op.name, "its sizes", "among those that the CUDA kernel is built for, see the op's README",
           printedSizes(ports, call));
  throwUnlessOk(error, declared.symbol);
}

}  // namespace bmojo
