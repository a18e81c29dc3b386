#include "native/tensorflow/operator.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include <algorithm>
#include <limits>
#include <sstream>

namespace bmojo {

bool Sizes::has(const std::string& token) const {
  for (const auto& entry : entries_)
    if (entry.first == token) return true;
  return false;
}

int64_t Sizes::operator[](const std::string& token) const {
  for (const auto& entry : entries_)
    if (entry.first == token) return entry.second;
  return 0;
}

const Value& Values::find(const char* name) const {
  static const Value none;
  for (const Value& entry : entries_)
    if (entry.name == name) return entry;
  return none;
}

void refuse(const char* function, const std::string& argument, const std::string& expected,
            const std::string& received) {
  throw ArgumentError{std::string(function) + ": " + argument + " must be " + expected + ", got " + received};
}

int64_t View::length() const {
  int64_t product = 1;
  for (int64_t size : shape) product *= size;
  return product;
}

void* Call::find(const std::vector<Port>& ports, const std::vector<View>& views, const char* name) const {
  for (size_t i = 0; i < ports.size(); i++)
    if (ports[i].name == name) return views[i].data;
  return nullptr;
}

float* Call::scratch(int thread, size_t floats) const {
  float* data = pool.scratch(thread, floats);
  if (poisons)
    for (size_t i = 0; i < floats; i++) data[i] = std::numeric_limits<float>::quiet_NaN();
  return data;
}

std::string gradName(const std::string& name) {
  std::string grad = "grad" + name;
  grad[4] = (char)toupper(grad[4]);
  return grad;
}

std::string kernelName(const Operator& op, Direction direction) {
  std::string name = op.name;
  name[0] = (char)toupper(name[0]);
  return "BMojo" + name + (direction == Direction::backward ? "Grad" : "");
}

std::vector<std::string> tokensOf(const std::string& shape) {
  std::vector<std::string> tokens;
  std::istringstream words(shape);
  for (std::string token; words >> token;) tokens.push_back(token);
  return tokens;
}

Port::Port(const std::string& name, const std::string& shape, Kind kind, unsigned flags)
    : name(name), shape(shape), kind(kind), flags(flags), tokens(tokensOf(shape)) {}

Ports portsOf(const Operator& op, Direction direction) {
  Ports ports;
  for (const Input& input : op.inputs)
    if (direction == Direction::forward || !(input.flags & kForwardOnly))
      ports.inputs.emplace_back(input.name, input.shape, input.kind, input.flags);
  if (direction == Direction::forward) {
    for (const Output& output : op.outputs) ports.outputs.emplace_back(output.name, output.shape, output.kind, kPlain);
    // What is written in place elsewhere comes out as new tensors here.
    for (const Input& input : op.inputs)
      if (input.flags & kInPlace) ports.outputs.emplace_back(input.name, input.shape, input.kind, kPlain);
    return ports;
  }
  for (const Output& output : op.outputs)
    if (output.role != Role::result) ports.inputs.emplace_back(output.name, output.shape, output.kind, kPlain);
  for (const Output& output : op.outputs)
    if (output.role != Role::saved && output.kind == Kind::f32)
      ports.inputs.emplace_back(gradName(output.name), output.shape, output.kind, output.flags & kOptional);
  for (const Input& input : op.inputs)
    if (input.flags & kDifferentiable)
      ports.outputs.emplace_back(gradName(input.name), input.shape, input.kind, input.flags & kOptional);
  return ports;
}

namespace {

std::string joined(const std::vector<std::string>& words, const char* between = ", ") {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : between) + word;
  return all;
}

}  // namespace

std::string printed(const std::vector<int64_t>& shape) {
  std::vector<std::string> sizes;
  for (int64_t size : shape) sizes.push_back(std::to_string(size));
  return "[" + joined(sizes) + "]";
}

namespace {

bool isPresent(const Port& port, const View& view) { return !(port.flags & kOptional) || view.data != nullptr; }

using Origins = std::vector<std::pair<std::string, std::string>>;

std::string originOf(const Origins& origins, const std::string& token) {
  for (const auto& origin : origins)
    if (origin.first == token) return origin.second;
  return "";
}

bool isDerived(const Operator& op, const std::string& token) {
  return std::find(op.derived.begin(), op.derived.end(), token) != op.derived.end();
}

void bindSizes(const Operator& op, const Ports& ports, Call& call, Origins& origins) {
  for (size_t i = 0; i < ports.inputs.size(); i++) {
    const Port& port = ports.inputs[i];
    const View& view = call.inputs[i];
    if (!isPresent(port, view)) continue;
    if (port.shape == "*") {
      if (!call.sizes.has("*")) call.sizes.set("*", view.length());
      continue;
    }
    const std::vector<std::string>& tokens = port.tokens;
    if (tokens.size() != view.shape.size())
      refuse(op.name, port.name, "of rank " + std::to_string(tokens.size()) + ", [" + joined(tokens) + "]",
             printed(view.shape));
    for (size_t axis = 0; axis < tokens.size(); axis++) {
      if (view.shape[axis] < 1 || view.shape[axis] > INT_MAX)
        refuse(op.name, port.name, "of sizes in [1, 2^31 - 1]", printed(view.shape));
      if (isDerived(op, tokens[axis]) || call.sizes.has(tokens[axis])) continue;
      call.sizes.set(tokens[axis], view.shape[axis]);
      origins.emplace_back(tokens[axis], port.name);
    }
  }
}

void checkShapes(const Operator& op, const Ports& ports, const Call& call, const Origins& origins) {
  std::vector<int64_t> first;
  bool hasFirst = false;
  for (size_t i = 0; i < ports.inputs.size(); i++) {
    const Port& port = ports.inputs[i];
    const View& view = call.inputs[i];
    if (!isPresent(port, view)) continue;
    if (port.shape == "*") {
      if (!hasFirst) first = view.shape;
      hasFirst = true;
      if (view.shape != first)
        refuse(op.name, port.name, "of the shape of the first input, " + printed(first), printed(view.shape));
      continue;
    }
    const std::vector<std::string>& tokens = port.tokens;
    bool fits = true;
    for (size_t axis = 0; axis < tokens.size(); axis++) fits = fits && call.sizes[tokens[axis]] == view.shape[axis];
    if (fits) continue;
    std::vector<int64_t> expected;
    std::vector<std::string> from;
    for (const std::string& token : tokens) {
      expected.push_back(call.sizes[token]);
      std::string origin = originOf(origins, token);
      if (!origin.empty() && origin != port.name) from.push_back(token + " from " + origin);
    }
    refuse(op.name, port.name,
           "[" + joined(tokens) + "] = " + printed(expected) + (from.empty() ? "" : " (" + joined(from, "; ") + ")"),
           printed(view.shape));
  }
}

void checkRange(const Operator& op, const Ports& ports, const Call& call) {
  if (op.ranged == nullptr) return;
  const IntegerRange range = op.range(call.sizes, call.values);
  for (size_t i = 0; i < ports.inputs.size(); i++) {
    if (ports.inputs[i].name != op.ranged || call.inputs[i].data == nullptr || call.inputs[i].isOnGpu) continue;
    const int32_t* values = (const int32_t*)call.inputs[i].data;
    const int64_t length = call.inputs[i].length();
    for (int64_t at = 0; at < length; at++) {
      if ((values[at] >= range.lowest && values[at] <= range.highest) || values[at] == range.besides) continue;
      std::string expected = "integers in [" + std::to_string(range.lowest) + ", " + std::to_string(range.highest) + "]";
      if (range.besides < range.lowest || range.besides > range.highest)
        expected += " or " + std::to_string(range.besides);
      refuse(op.name, op.ranged, expected, std::to_string(values[at]) + " at flat index " + std::to_string(at));
    }
  }
}

void poison(const View& view) {
  const int64_t length = view.length();
  for (int64_t i = 0; i < length; i++) {
    if (view.kind == Kind::f32) ((float*)view.data)[i] = std::numeric_limits<float>::quiet_NaN();
    else ((int32_t*)view.data)[i] = INT_MIN;
  }
}

/** Whether an output is wanted: gradients of absent optional inputs are not. */
bool isWanted(const Ports& ports, const Call& call, const Port& output) {
  if (!(output.flags & kOptional)) return true;
  for (size_t i = 0; i < ports.inputs.size(); i++)
    if (gradName(ports.inputs[i].name) == output.name) return call.inputs[i].data != nullptr;
  return true;
}

}  // namespace

const CudaKernel& cudaKernelOf(const Operator& op, Direction direction) {
  return direction == Direction::forward ? op.cudaForward : op.cudaBackward;
}

void prepareCall(const Operator& op, const Ports& ports, Call& call, const View* varying, const Allocate& allocate) {
  if (!op.varying.empty()) {
    if (varying == nullptr || varying->shape != std::vector<int64_t>{(int64_t)op.varying.size()})
      refuse(op.name, "varying", "a vector of " + std::to_string(op.varying.size()) + " numbers",
             varying == nullptr ? "nothing" : printed(varying->shape));
    for (size_t i = 0; i < op.varying.size(); i++) {
      double number = op.varyingKind == Kind::f32 ? ((const float*)varying->data)[i] : ((const int32_t*)varying->data)[i];
      call.values.set({op.varying[i], number, ""});
    }
  }
  Origins origins;
  bindSizes(op, ports, call, origins);
  const auto& derive = call.isOnGpu && op.cudaDerive ? op.cudaDerive : op.derive;
  if (derive) derive(call.sizes, call.values);
  checkShapes(op, ports, call, origins);
  checkRange(op, ports, call);
  for (size_t i = 0; i < ports.outputs.size(); i++) {
    const Port& port = ports.outputs[i];
    View view;
    view.kind = port.kind;
    const bool wanted = isWanted(ports, call, port);
    if (!wanted) view.shape = {0};
    else if (port.shape == "*") view.shape = call.inputs[0].shape;
    else for (const std::string& token : port.tokens) view.shape.push_back(call.sizes[token]);
    void* data = allocate((int)i, view.shape);
    view.data = wanted ? data : nullptr;
    call.outputs.push_back(std::move(view));
  }
}

void runOnCpu(const Operator& op, Direction direction, Call& call) {
  if (call.poisons)
    for (const View& view : call.outputs)
      if (view.data != nullptr) poison(view);
  (direction == Direction::forward ? op.forward : op.backward)(call);
}

}  // namespace bmojo
