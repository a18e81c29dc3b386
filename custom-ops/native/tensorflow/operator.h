// What an operator is to the native backend: a declaration, generated from the op's definition, from which TensorFlow's
// op definitions, checks and kernels follow, and functions of the op's folder that share its work over threads. Knows no
// TensorFlow, so that a plain program can test it too.
#pragma once

#include <stdint.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "native/tensorflow/operators.generated.h"
#include "native/tensorflow/pool.h"

namespace bmojo {

enum class Kind { f32, i32 };
enum class Direction { forward, backward };
enum class Role { result, saved, both };

/**
 * `kHost`: stays in host memory where the kernel runs on a GPU, so that its values are checked at once. `kForwardOnly`: the
 * gradient does not take it.
 */
enum Flags : unsigned {
  kPlain = 0,
  kOptional = 1,
  kDifferentiable = 2,
  kInPlace = 4,
  kHost = 8,
  kForwardOnly = 16
};

struct Input {
  const char* name;
  const char* shape;  // letters as in custom-ops/op.ts
  unsigned flags = kPlain;
  Kind kind = Kind::f32;
};

struct Output {
  const char* name;
  const char* shape;
  Role role = Role::result;
  Kind kind = Kind::f32;
  unsigned flags = kPlain;  // kOptional: its cotangent may be absent
};

/** `type` in the words of TensorFlow's op definitions, for example `int >= 1`. */
struct Attribute {
  const char* name;
  const char* type;
};

/** Sizes by shape token. */
class Sizes {
 public:
  bool has(const std::string& token) const;
  int64_t operator[](const std::string& token) const;
  void set(const std::string& token, int64_t size) { entries_.emplace_back(token, size); }

 private:
  std::vector<std::pair<std::string, int64_t>> entries_;
};

struct Value {
  std::string name;
  double number = 0;
  std::string text;
};

/** Attributes, and numbers that vary from call to call, by name. */
class Values {
 public:
  void set(Value value) { entries_.push_back(std::move(value)); }
  double number(const char* name) const { return find(name).number; }
  int integer(const char* name) const { return (int)find(name).number; }
  const std::string& text(const char* name) const { return find(name).text; }
  bool is(const char* name, const char* text) const { return find(name).text == text; }

 private:
  const Value& find(const char* name) const;
  std::vector<Value> entries_;
};

/** Thrown by checks; `what` reads `function: argument must be ..., got ...`. */
struct ArgumentError {
  std::string message;
};

[[noreturn]] void refuse(const char* function, const std::string& argument, const std::string& expected,
                         const std::string& received);

struct View {
  std::vector<int64_t> shape;
  Kind kind = Kind::f32;
  void* data = nullptr;  // null where an optional tensor is absent
  bool isOnGpu = false;  // not to be read here

  int64_t length() const;
};

struct Port {
  Port(const std::string& name, const std::string& shape, Kind kind, unsigned flags);

  std::string name, shape;
  Kind kind;
  unsigned flags;
  /** Letters of the shape. */
  std::vector<std::string> tokens;
};

struct Ports {
  std::vector<Port> inputs, outputs;
};

class Call {
 public:
  Call(const Ports& ports, Pool& pool) : pool(pool), ports_(ports) {}

  /** Null for an absent optional input or gradient. */
  const float* input(const char* name) const { return (const float*)find(ports_.inputs, inputs, name); }
  const int32_t* integers(const char* name) const { return (const int32_t*)find(ports_.inputs, inputs, name); }
  float* output(const char* name) const { return (float*)find(ports_.outputs, outputs, name); }
  int32_t* integerOutput(const char* name) const { return (int32_t*)find(ports_.outputs, outputs, name); }
  int size(const char* token) const { return (int)sizes[token]; }
  /** Scratch of one thread, or of the whole call for thread -1. */
  float* scratch(int thread, size_t floats) const;

  Pool& pool;
  std::vector<View> inputs, outputs;
  Sizes sizes;
  Values values;
  bool poisons = false;
  bool isOnGpu = false;

 private:
  void* find(const std::vector<Port>& ports, const std::vector<View>& views, const char* name) const;
  const Ports& ports_;
};

/** Lowest and highest value of an integer input, and one more that is allowed. */
struct IntegerRange {
  int64_t lowest, highest, besides;
};

/**
 * A CUDA kernel by its symbol, and the numbers that it takes: an attribute's or varying number's
 * name, or letters of a shape, for its number of elements.
 */
struct CudaKernel {
  const char* symbol = nullptr;
  std::vector<const char*> scalars;
};

struct Operator {
  const char* name;
  std::vector<Input> inputs;
  std::vector<Output> outputs;
  /** Fixed for a model: TensorFlow keeps one kernel for each combination of values. */
  std::vector<Attribute> attributes;
  /** Numbers that differ from call to call: they travel as one more input, int32, floats as their bits. */
  std::vector<const char*> varying;
  Kind varyingKind = Kind::i32;
  /** Shape tokens that follow from others. */
  std::vector<std::string> derived;
  /** The integer input whose values are checked. */
  const char* ranged = nullptr;
  bool hasGradient = false;
  /** Without a symbol where there is none. */
  CudaKernel cudaForward, cudaBackward;

  // What an op's folder adds to the declaration, in its op_tf.cc:

  /** Sets the derived sizes; refuses attributes and sizes that do not fit together. */
  std::function<void(Sizes&, const Values&)> derive;
  /** In place of `derive`, where CUDA kernels save tensors of other sizes. */
  std::function<void(Sizes&, const Values&)> cudaDerive;
  std::function<IntegerRange(const Sizes&, const Values&)> range;
  std::function<void(Call&)> forward, backward;
};

/** Those of custom-ops/registry.ts, as many as kRegistered; generated. */
std::vector<Operator> registeredOperators();

/** In place of TensorFlow's own ops: not of the registry. */
inline constexpr size_t kStandIns = 1;
Operator plusOperator();

inline constexpr size_t kOperators = kRegistered + kStandIns;

/** Those of the registry, then the stand-ins. */
const std::vector<Operator>& operators();

/**
 * Inputs and outputs of one direction, in the order of kernelPorts in custom-ops/op.ts; `varying` comes after them. They cost
 * as much as a small op: to be made once.
 */
Ports portsOf(const Operator& op, Direction direction);

/** `selectiveScan` -> `BMojoSelectiveScan`, `BMojoSelectiveScanGrad`. */
std::string kernelName(const Operator& op, Direction direction);

/** `gradU` for `u`. */
std::string gradName(const std::string& name);

std::vector<std::string> tokensOf(const std::string& shape);

/** `[2, 3]`. */
std::string printed(const std::vector<int64_t>& shape);

const CudaKernel& cudaKernelOf(const Operator& op, Direction direction);

using Allocate = std::function<void*(int index, const std::vector<int64_t>& shape)>;

/**
 * Checks the inputs and has `allocate` give each output its memory (absent ones get the shape [0]). Throws ArgumentError.
 * `varying` is null where the op has none.
 */
void prepareCall(const Operator& op, const Ports& ports, Call& call, const View* varying, const Allocate& allocate);

/** Runs the C++ kernel of a prepared call. */
void runOnCpu(const Operator& op, Direction direction, Call& call);

}  // namespace bmojo
