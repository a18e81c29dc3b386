// Registers every operator as TensorFlow ops with shape functions and kernels, for the CPU and, where they are built, for
// GPUs, through TensorFlow's C interface alone, which stays the same from release to release (but for stream.cc).
#include "native/tensorflow/register.h"

#include <string.h>
#include <tensorflow/c/kernels.h>
#include <tensorflow/c/ops.h>

#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "native/tensorflow/operator.h"
#include "native/tensorflow/shapes.h"
#ifdef BMOJO_CUDA
#include "native/tensorflow/cuda-run.h"
#include "native/tensorflow/stream.h"
#endif

namespace bmojo {

namespace {

enum class Device { cpu, gpu };

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

/** Tensors that live as long as a call. */
class Held {
 public:
  explicit Held(TF_OpKernelContext* context) : context_(context), status_(newStatus()) {}

  View input(int index, bool isOnGpu) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, index, &tensor, status_.get());
    throwUnlessOk(status_);
    tensors_.emplace_back(tensor);
    View view;
    view.kind = TF_TensorType(tensor) == TF_INT32 ? Kind::i32 : Kind::f32;
    for (int axis = 0; axis < TF_NumDims(tensor); axis++) view.shape.push_back(TF_Dim(tensor, axis));
    view.data = view.shape == std::vector<int64_t>{0} ? nullptr : TF_TensorData(tensor);
    view.isOnGpu = isOnGpu;
    return view;
  }

  void* output(int index, Kind kind, const std::vector<int64_t>& shape) {
    int64_t length = 1;
    for (int64_t size : shape) length *= size;
    return keep(TF_AllocateOutput(context_, index, kind == Kind::i32 ? TF_INT32 : TF_FLOAT, shape.data(),
                                  (int)shape.size(), (size_t)length * 4, status_.get()));
  }

  /** Memory of the device, taken back when the call is over: by then, on a GPU, in the order of the stream. */
  void* workspace(size_t bytes) {
    const int64_t floats = (int64_t)(bytes + 3) / 4;
    TF_AllocatorAttributes attributes = {TF_ALLOCATOR_ATTRIBUTES_STRUCT_SIZE, 0};
    return keep(TF_AllocateTemp(context_, TF_FLOAT, &floats, 1, &attributes, status_.get()));
  }

 private:
  void* keep(TF_Tensor* tensor) {
    throwUnlessOk(status_);
    tensors_.emplace_back(tensor);
    return TF_TensorData(tensor);
  }

  TF_OpKernelContext* context_;
  Status status_;
  std::vector<Tensor> tensors_;
};

bool isOnGpu(Device device, const Port& port) { return device == Device::gpu && !(port.flags & kHost); }

void runOn([[maybe_unused]] Device device, const Operator& op, Direction direction, [[maybe_unused]] const Ports& ports,
           Call& call, [[maybe_unused]] TF_OpKernelContext* context, [[maybe_unused]] Held& held) {
#ifdef BMOJO_CUDA
  if (device == Device::gpu) {
    runOnCuda(op, direction, ports, call, cudaStreamOf(context), [&](size_t bytes) { return held.workspace(bytes); });
    return;
  }
#endif
  // The pool and its scratch serve one call at a time; worker threads of Node call from several.
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  runOnCpu(op, direction, call);
}

void compute(const Operator& op, const Ports& ports, Direction direction, Device device, const Kernel& kernel,
             TF_OpKernelContext* context) {
  Status status = newStatus();
  Held held(context);
  try {
    Call call(ports, pool());
    call.values = kernel.attributes;
    call.poisons = poisonsOutputs;
    call.isOnGpu = device == Device::gpu;
    for (size_t i = 0; i < ports.inputs.size(); i++)
      call.inputs.push_back(held.input((int)i, isOnGpu(device, ports.inputs[i])));
    View varying;
    if (!op.varying.empty()) varying = held.input((int)ports.inputs.size(), false);
    prepareCall(op, ports, call, op.varying.empty() ? nullptr : &varying,
                [&](int index, const std::vector<int64_t>& shape) {
                  return held.output(index, ports.outputs[index].kind, shape);
                });
    runOn(device, op, direction, ports, call, context, held);
  } catch (const ArgumentError& error) {
    TF_SetStatus(status.get(), TF_INVALID_ARGUMENT, error.message.c_str());
    TF_OpKernelContext_Failure(context, status.get());
  } catch (const std::exception& error) {
    TF_SetStatus(status.get(), TF_INTERNAL, (std::string(op.name) + ": " + error.what()).c_str());
    TF_OpKernelContext_Failure(context, status.get());
  }
}

template <size_t index, Direction direction, Device device>
void computeOf(void* kernel, TF_OpKernelContext* context) {
  const Operator& op = operators()[index];
  static const Ports ports = portsOf(op, direction);
  compute(op, ports, direction, device, *(const Kernel*)kernel, context);
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

constexpr const char* kVarying = "varying";

template <size_t index, Direction direction>
void registerDefinition(const std::string& name) {
  const Operator& op = operators()[index];
  const Ports ports = portsOf(op, direction);
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name.c_str());
  for (const Port& port : ports.inputs)
    TF_OpDefinitionBuilderAddInput(definition, (argumentName(port.name, "in_") + ": " + typeName(port.kind)).c_str());
  if (!op.varying.empty())
    TF_OpDefinitionBuilderAddInput(definition, (std::string(kVarying) + ": " + typeName(Kind::i32)).c_str());
  for (const Port& port : ports.outputs)
    TF_OpDefinitionBuilderAddOutput(definition, (argumentName(port.name, "out_") + ": " + typeName(port.kind)).c_str());
  for (const Attribute& attribute : op.attributes)
    TF_OpDefinitionBuilderAddAttr(definition, (std::string(attribute.name) + ": " + attribute.type).c_str());
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, &inferOf<index, direction>);
  Status status = newStatus();
  TF_RegisterOpDefinition(definition, status.get());
  throwUnlessOk(status);
}

/** `name` says which of TensorFlow's devices, `device` which of our kernels. */
template <size_t index, Direction direction, Device device>
void registerKernel(const std::string& op, const char* deviceName) {
  TF_KernelBuilder* builder = TF_NewKernelBuilder(op.c_str(), deviceName, &createKernel<index>,
                                                  &computeOf<index, direction, device>, &deleteKernel);
  for (const Port& port : portsOf(operators()[index], direction).inputs)
    if (port.flags & kHost) TF_KernelBuilder_HostMemory(builder, argumentName(port.name, "in_").c_str());
  if (!operators()[index].varying.empty()) TF_KernelBuilder_HostMemory(builder, kVarying);
  Status status = newStatus();
  TF_RegisterKernelBuilder(op.c_str(), builder, status.get());
  throwUnlessOk(status);
}

template <size_t index, Direction direction>
void registerDirection() {
  const Operator& op = operators()[index];
  const std::string name = kernelName(op, direction);
  registerDefinition<index, direction>(name);
#ifdef BMOJO_CUDA
  if (cudaKernelOf(op, direction).symbol != nullptr) {
    if (!hasCudaKernel(op, direction))
      throw std::runtime_error(std::string("no CUDA kernel ") + cudaKernelOf(op, direction).symbol);
    registerKernel<index, direction, Device::gpu>(name, "GPU");
#ifdef BMOJO_EMULATED
    // The CUDA sources run on the CPU, in place of its own kernels: the way to test them without a GPU.
    registerKernel<index, direction, Device::gpu>(name, "CPU");
    return;
#endif
  }
#endif
  registerKernel<index, direction, Device::cpu>(name, "CPU");
}

template <size_t index>
void registerOperator() {
  registerDirection<index, Direction::forward>();
  if (operators()[index].hasGradient) registerDirection<index, Direction::backward>();
}

template <size_t... indices>
void registerAll(std::index_sequence<indices...>) {
  (registerOperator<indices>(), ...);
}

}  // namespace

void registerOperators() {
  // Every worker thread of Node that loads the addon comes here; TensorFlow's registry is one for the process.
  static std::mutex mutex;
  static bool isDone = false;
  std::lock_guard<std::mutex> lock(mutex);
  if (isDone) return;
  registerAll(std::make_index_sequence<kOperators>());
  isDone = true;
}

void setPoison(bool poisons) { poisonsOutputs = poisons; }

int threadCount() { return pool().threads(); }

}  // namespace bmojo
