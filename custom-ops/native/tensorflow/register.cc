// Registers every operator as TensorFlow ops with shape functions and CPU kernels, through TensorFlow's C interface alone,
// which stays the same from release to release.
#include "native/tensorflow/register.h"

#include <string.h>
#include <tensorflow/c/kernels.h>
#include <tensorflow/c/ops.h>

#include <memory>
#include <stdexcept>
#include <utility>

#include "native/tensorflow/operator.h"

namespace bmojo {

namespace {

constexpr size_t kMostOperators = 24;

struct StatusDeleter {
  void operator()(TF_Status* status) const { TF_DeleteStatus(status); }
};
struct TensorDeleter {
  void operator()(TF_Tensor* tensor) const { TF_DeleteTensor(tensor); }
};
using Status = std::unique_ptr<TF_Status, StatusDeleter>;
using Tensor = std::unique_ptr<TF_Tensor, TensorDeleter>;

Status newStatus() { return Status(TF_NewStatus()); }

void throwUnlessOk(const Status& status) {
  if (TF_GetCode(status.get()) != TF_OK) throw std::runtime_error(TF_Message(status.get()));
}

bool poisonsOutputs = false;

Pool& pool() {
  // Never destroyed: its threads may still sleep when the process ends.
  static Pool* made = new Pool(Pool::usableCores());
  return *made;
}

struct Kernel {
  Values attributes;
};

Value attributeOf(TF_OpKernelConstruction* construction, const Attribute& attribute) {
  Status status = newStatus();
  Value value;
  value.name = attribute.name;
  const std::string type = attribute.type;
  if (type[0] == '{') {
    int32_t listSize = 0, length = 0;
    TF_OpKernelConstruction_GetAttrSize(construction, attribute.name, &listSize, &length, status.get());
    throwUnlessOk(status);
    value.text.resize(length);
    TF_OpKernelConstruction_GetAttrString(construction, attribute.name, &value.text[0], length, status.get());
  } else if (type.compare(0, 4, "bool") == 0) {
    TF_Bool is = 0;
    TF_OpKernelConstruction_GetAttrBool(construction, attribute.name, &is, status.get());
    value.number = is != 0;
  } else if (type.compare(0, 5, "float") == 0) {
    float number = 0;
    TF_OpKernelConstruction_GetAttrFloat(construction, attribute.name, &number, status.get());
    value.number = number;
  } else {
    int64_t number = 0;
    TF_OpKernelConstruction_GetAttrInt64(construction, attribute.name, &number, status.get());
    value.number = (double)number;
  }
  throwUnlessOk(status);
  return value;
}

template <size_t index>
void* createKernel(TF_OpKernelConstruction* construction) {
  std::unique_ptr<Kernel> kernel(new Kernel);
  try {
    for (const Attribute& attribute : operators()[index].attributes)
      kernel->attributes.set(attributeOf(construction, attribute));
  } catch (const std::exception& error) {
    Status status = newStatus();
    TF_SetStatus(status.get(), TF_INVALID_ARGUMENT, error.what());
    TF_OpKernelConstruction_Failure(construction, status.get());
  }
  return kernel.release();
}

void deleteKernel(void* kernel) { delete (Kernel*)kernel; }

Tensor inputTensor(TF_OpKernelContext* context, int index) {
  Status status = newStatus();
  TF_Tensor* tensor = nullptr;
  TF_GetInput(context, index, &tensor, status.get());
  throwUnlessOk(status);
  return Tensor(tensor);
}

View viewOf(const Tensor& tensor) {
  View view;
  view.kind = TF_TensorType(tensor.get()) == TF_INT32 ? Kind::i32 : Kind::f32;
  for (int axis = 0; axis < TF_NumDims(tensor.get()); axis++) view.shape.push_back(TF_Dim(tensor.get(), axis));
  view.data = view.shape == std::vector<int64_t>{0} ? nullptr : TF_TensorData(tensor.get());
  return view;
}

void compute(const Operator& op, Direction direction, const Kernel& kernel, TF_OpKernelContext* context) {
  static thread_local std::vector<Tensor> held;
  held.clear();
  Status status = newStatus();
  try {
    const Ports ports = portsOf(op, direction);
    Call call(ports, pool());
    call.values = kernel.attributes;
    call.poisons = poisonsOutputs;
    for (size_t i = 0; i < ports.inputs.size(); i++) {
      held.push_back(inputTensor(context, (int)i));
      call.inputs.push_back(viewOf(held.back()));
    }
    View varying;
    if (!op.varying.empty()) {
      held.push_back(inputTensor(context, (int)ports.inputs.size()));
      varying = viewOf(held.back());
    }
    runOperator(op, direction, ports, call, op.varying.empty() ? nullptr : &varying,
                [&](int index, const std::vector<int64_t>& shape) {
                  int64_t length = 1;
                  for (int64_t size : shape) length *= size;
                  TF_Tensor* tensor = TF_AllocateOutput(context, index,
                                                        ports.outputs[index].kind == Kind::i32 ? TF_INT32 : TF_FLOAT,
                                                        shape.data(), (int)shape.size(), (size_t)length * 4, status.get());
                  throwUnlessOk(status);
                  held.emplace_back(tensor);
                  return TF_TensorData(tensor);
                });
  } catch (const ArgumentError& error) {
    TF_SetStatus(status.get(), TF_INVALID_ARGUMENT, error.message.c_str());
    TF_OpKernelContext_Failure(context, status.get());
  } catch (const std::exception& error) {
    TF_SetStatus(status.get(), TF_INTERNAL, (std::string(op.name) + ": " + error.what()).c_str());
    TF_OpKernelContext_Failure(context, status.get());
  }
  held.clear();
}

template <size_t index, Direction direction>
void computeOf(void* kernel, TF_OpKernelContext* context) {
  compute(operators()[index], direction, *(const Kernel*)kernel, context);
}

/** Checks ranks and equal letters, and gives outputs the sizes that inputs carry; derived sizes stay open. */
void inferShapes(const Operator& op, Direction direction, TF_ShapeInferenceContext* context, TF_Status* status) {
  const Ports ports = portsOf(op, direction);
  std::vector<std::pair<std::string, TF_DimensionHandle*>> sizes;
  auto sizeOf = [&](const std::string& token) -> TF_DimensionHandle* {
    for (const auto& size : sizes)
      if (size.first == token) return size.second;
    return nullptr;
  };
  for (size_t i = 0; i < ports.inputs.size() && TF_GetCode(status) == TF_OK; i++) {
    const Port& port = ports.inputs[i];
    if (port.shape == "*" || (port.flags & kOptional)) continue;
    TF_ShapeHandle* shape = TF_NewShapeHandle();
    TF_ShapeInferenceContextGetInput(context, (int)i, shape, status);
    const std::vector<std::string> tokens = tokensOf(port.shape);
    if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextWithRank(context, shape, (int64_t)tokens.size(), shape, status);
    for (size_t axis = 0; axis < tokens.size() && TF_GetCode(status) == TF_OK; axis++) {
      TF_DimensionHandle* size = TF_NewDimensionHandle();
      TF_ShapeInferenceContextDim(context, shape, (int64_t)axis, size);
      TF_DimensionHandle* known = sizeOf(tokens[axis]);
      if (known == nullptr) {
        sizes.emplace_back(tokens[axis], size);
        continue;
      }
      if (TF_DimensionHandleValueKnown(size) && TF_DimensionHandleValueKnown(known) &&
          TF_DimensionHandleValue(size) != TF_DimensionHandleValue(known)) {
        const std::string message = std::string(op.name) + ": " + port.name + " must have " + tokens[axis] + " = " +
                                    std::to_string(TF_DimensionHandleValue(known)) + " on axis " +
                                    std::to_string(axis) + ", got " + std::to_string(TF_DimensionHandleValue(size));
        TF_SetStatus(status, TF_INVALID_ARGUMENT, message.c_str());
      }
      TF_DeleteDimensionHandle(size);
    }
    TF_DeleteShapeHandle(shape);
  }
  for (size_t i = 0; i < ports.outputs.size() && TF_GetCode(status) == TF_OK; i++) {
    const Port& port = ports.outputs[i];
    if (port.shape == "*" || (port.flags & kOptional)) {
      TF_ShapeInferenceContextSetUnknownShape(context, status);
      continue;
    }
    TF_ShapeHandle* shape = TF_ShapeInferenceContextScalar(context);
    for (const std::string& token : tokensOf(port.shape)) {
      TF_DimensionHandle* size = sizeOf(token);
      const int64_t value = size && TF_DimensionHandleValueKnown(size) ? TF_DimensionHandleValue(size) : -1;
      TF_ShapeHandle* axis = TF_ShapeInferenceContextVectorFromSize(context, value < 0 ? (size_t)-1 : (size_t)value);
      TF_ShapeInferenceContextConcatenateShapes(context, shape, axis, shape, status);
      TF_DeleteShapeHandle(axis);
    }
    TF_ShapeInferenceContextSetOutput(context, (int)i, shape, status);
    TF_DeleteShapeHandle(shape);
  }
  for (auto& size : sizes) TF_DeleteDimensionHandle(size.second);
}

template <size_t index, Direction direction>
void inferOf(TF_ShapeInferenceContext* context, TF_Status* status) {
  inferShapes(operators()[index], direction, context, status);
}

const char* typeName(Kind kind) { return kind == Kind::i32 ? "int32" : "float"; }

/** TensorFlow's names of arguments are lower case with underscores. */
std::string argumentName(const std::string& name, const char* prefix) {
  std::string lower = prefix;
  for (char letter : name) {
    if (isupper(letter)) lower += '_';
    lower += (char)tolower(letter);
  }
  return lower;
}

template <size_t index, Direction direction>
void registerDirection() {
  const Operator& op = operators()[index];
  const Ports ports = portsOf(op, direction);
  const std::string name = kernelName(op, direction);
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name.c_str());
  for (const Port& port : ports.inputs)
    TF_OpDefinitionBuilderAddInput(definition, (argumentName(port.name, "in_") + ": " + typeName(port.kind)).c_str());
  if (!op.varying.empty())
    TF_OpDefinitionBuilderAddInput(definition, (std::string("varying: ") + typeName(op.varyingKind)).c_str());
  for (const Port& port : ports.outputs)
    TF_OpDefinitionBuilderAddOutput(definition, (argumentName(port.name, "out_") + ": " + typeName(port.kind)).c_str());
  for (const Attribute& attribute : op.attributes)
    TF_OpDefinitionBuilderAddAttr(definition, (std::string(attribute.name) + ": " + attribute.type).c_str());
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, &inferOf<index, direction>);
  Status status = newStatus();
  TF_RegisterOpDefinition(definition, status.get());
  throwUnlessOk(status);
  TF_KernelBuilder* builder =
      TF_NewKernelBuilder(name.c_str(), "CPU", &createKernel<index>, &computeOf<index, direction>, &deleteKernel);
  TF_RegisterKernelBuilder(name.c_str(), builder, status.get());
  throwUnlessOk(status);
}

template <size_t index>
void registerOperator() {
  if (index >= operators().size()) return;
  registerDirection<index, Direction::forward>();
  if (operators()[index].backward) registerDirection<index, Direction::backward>();
}

template <size_t... indices>
void registerAll(std::index_sequence<indices...>) {
  (registerOperator<indices>(), ...);
}

}  // namespace

void registerOperators() {
  if (operators().size() > kMostOperators) throw std::runtime_error("raise kMostOperators in register.cc");
  registerAll(std::make_index_sequence<kMostOperators>());
}

void setPoison(bool poisons) { poisonsOutputs = poisons; }

int threadCount() { return pool().threads(); }

}  // namespace bmojo
