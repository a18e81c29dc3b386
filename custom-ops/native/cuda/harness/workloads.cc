#include "native/cuda/harness/workloads.h"

#include <algorithm>
#include <cstring>

namespace bmojo::cuda::harness {

namespace {

// NaN in every float.
constexpr int kPoison = 0xff;

}  // namespace

std::string sized(const char* op, std::initializer_list<std::pair<const char*, int>> sizes) {
  std::string name = op;
  for (const auto& [letter, size] : sizes) name += std::string(" ") + letter + std::to_string(size);
  return name;
}

int variantsOf(const char* symbol) { return findKernel(symbol)->variants; }

Prepared::Prepared(const Workload& workload) {
  uint32_t seed = 1;
  for (const Tensor& tensor : workload.tensors) {
    auto buffer = std::make_unique<Buffer>(tensor.count * 4);
    check(fillDevice(buffer->data(), tensor.count, tensor.fill, seed++), "fill of " + tensor.name);
    tensors_[tensor.name] = std::move(buffer);
  }
  size_t most = 0;
  for (const Direction& direction : workload.directions) {
    std::vector<const void*> inputs;
    for (const std::string& name : direction.inputs) inputs.push_back(name.empty() ? nullptr : at(name).data());
    Call call;
    call.inputs = inputs.data();
    call.scalars = direction.scalars.data();
    for (int precision = 0; precision < direction.precisions; precision++) {
      call.precision = static_cast<Precision>(precision);
      for (call.variant = 0; call.variant < direction.variants; call.variant++) {
        most = std::max(most, findKernel(direction.symbol.c_str())->workspaceBytes(call));
      }
    }
  }
  workspace_ = std::make_unique<Buffer>(most);
  workspace_->poison(kPoison);
}

cudaError_t Prepared::launch(const Direction& direction, Precision precision, int variant) const {
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
  for (const std::string& name : direction.inputs) inputs.push_back(name.empty() ? nullptr : at(name).data());
  for (const std::string& name : direction.outputs) outputs.push_back(name.empty() ? nullptr : at(name).data());
  Call call;
  call.inputs = inputs.data();
  call.outputs = outputs.data();
  call.workspace = workspace_->data();
  call.scalars = direction.scalars.data();
  call.precision = precision;
  call.variant = variant;
  return findKernel(direction.symbol.c_str())->launch(call);
}

std::vector<float> Prepared::floats(const std::string& name) const {
  const std::vector<uint32_t> bits = at(name).download();
  std::vector<float> values(bits.size());
  std::memcpy(values.data(), bits.data(), bits.size() * 4);
  return values;
}

bool Prepared::isIntact() const { return workspace_->isGuardIntact(kPoison); }

std::vector<int> Prepared::ints(const std::string& name) const {
  const std::vector<uint32_t> bits = at(name).download();
  return {bits.begin(), bits.end()};
}

}  // namespace bmojo::cuda::harness
