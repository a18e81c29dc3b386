#include "native/cuda/harness/parity.h"

#include <cmath>
#include <memory>

#include "native/cuda/harness/buffers.h"
#include "native/cuda/harness/vectors.h"

namespace bmojo::cuda::harness {

namespace {

constexpr int kNaN = 0xff;
// Another poison, 3.4e38 in every float: results that depend on unwritten memory differ between the two.
constexpr int kHuge = 0x7f;
// TF32 and float16 keep eleven bits of a factor, bfloat16 eight.
constexpr double kElevenBitsTolerance = 5e-3, kBfloat16Tolerance = 2e-2;

struct Outcome {
  std::vector<std::vector<uint32_t>> results;
  bool intact = true;
};

// Results in the order: inputs written in place, then outputs that are present.
Outcome execute(const Kernel& kernel, const Run& run, Precision precision, int variant, int poison) {
  std::vector<std::unique_ptr<Buffer>> memory;
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
  std::vector<Buffer*> written;
  const auto allocate = [&](size_t bytes) {
    memory.push_back(std::make_unique<Buffer>(bytes));
    memory.back()->poison(poison);
    return memory.back().get();
  };
  for (const Port& port : run.inputs) {
    if (port.array.kind == Kind::kAbsent) {
      inputs.push_back(nullptr);
      continue;
    }
    Buffer* buffer = allocate(port.array.bytes());
    buffer->upload(port.array.values.data());
    inputs.push_back(buffer->data());
    if (port.after.kind != Kind::kAbsent) written.push_back(buffer);
  }
  for (const Port& port : run.outputs) {
    if (port.array.kind == Kind::kAbsent) {
      outputs.push_back(nullptr);
      continue;
    }
    Buffer* buffer = allocate(port.array.bytes());
    outputs.push_back(buffer->data());
    written.push_back(buffer);
  }
  Call call;
  call.inputs = inputs.data();
  call.outputs = outputs.data();
  call.scalars = run.scalars.data();
  call.precision = precision;
  call.variant = variant;
  call.workspace = allocate(kernel.workspaceBytes(call))->data();
  check(kernel.launch(call), run.symbol + " " + run.name + ", launch");
  check(cudaDeviceSynchronize(), run.symbol + " " + run.name + ", run");
  Outcome outcome;
  for (const Buffer* buffer : written) outcome.results.push_back(buffer->download());
  for (const auto& buffer : memory) outcome.intact = outcome.intact && buffer->isGuardIntact(poison);
  return outcome;
}

// RMS of the difference over RMS of the expected values; for integers the share that differs; NaN if any is.
double errorOf(const Array& expected, const std::vector<uint32_t>& actual) {
  double difference = 0, reference = 0;
  for (size_t i = 0; i < actual.size(); i++) {
    if (expected.kind == Kind::kInt) {
      difference += actual[i] == expected.values[i] ? 0 : 1;
      continue;
    }
    float a, e;
    std::memcpy(&a, &actual[i], 4);
    std::memcpy(&e, &expected.values[i], 4);
    difference += (static_cast<double>(a) - e) * (static_cast<double>(a) - e);
    reference += static_cast<double>(e) * e;
  }
  if (expected.kind == Kind::kInt) return difference / static_cast<double>(actual.size());
  return std::sqrt(difference / (reference == 0 ? std::fmax(1, static_cast<double>(actual.size())) : reference));
}

bool checkRun(const Kernel& kernel, const Run& run, Precision precision, int variant, Report& report) {
  const double most = precision == Precision::kFloat32    ? run.tolerance
                      : precision == Precision::kBfloat16 ? kBfloat16Tolerance
                                                          : kElevenBitsTolerance;
  const Outcome outcome = execute(kernel, run, precision, variant, kNaN),
                again = execute(kernel, run, precision, variant, kHuge);
  std::vector<const Port*> ports;
  for (const Port& port : run.inputs) {
    if (port.after.kind != Kind::kAbsent) ports.push_back(&port);
  }
  for (const Port& port : run.outputs) {
    if (port.array.kind != Kind::kAbsent) ports.push_back(&port);
  }
  double worst = 0;
  std::string where, each;
  bool isWithin = true;
  for (size_t i = 0; i < ports.size(); i++) {
    const Array& expected = ports[i]->after.kind != Kind::kAbsent ? ports[i]->after : ports[i]->array;
    const double error = errorOf(expected, outcome.results[i]);
    const double allowed = expected.kind == Kind::kInt ? 0 : most;
    if (!(error <= allowed)) isWithin = false;
    if (where.empty() || !(error <= worst)) worst = error, where = ports[i]->name;
    each += format("%s\"%s\":%s", i ? "," : "", ports[i]->name.c_str(),
                   std::isfinite(error) ? format("%.3g", error).c_str() : "null");
  }
  const bool isSame = outcome.results == again.results, isIntact = outcome.intact && again.intact;
  const bool isOk = isWithin && isSame && isIntact;
  const char* precisionName = nameOf(precision);
  const std::string symbol = run.symbol + (variant ? format(", variant %d", variant) : "");
  report.row(format("%-4s %-36s %-44s %-8s %9.2e %-12s%s%s", isOk ? "ok" : "FAIL", symbol.c_str(),
                    run.name.c_str(), precisionName, worst, where.c_str(),
                    isSame ? "" : " differs when repeated", isIntact ? "" : " wrote behind an output"),
             format("\"kind\":\"parity\",\"kernel\":\"%s\",\"case\":\"%s\",\"precision\":\"%s\",\"ok\":%s,"
                    "\"same\":%s,\"intact\":%s,\"tolerance\":%g,\"errors\":{%s}",
                    symbol.c_str(), run.name.c_str(), precisionName, isOk ? "true" : "false",
                    isSame ? "true" : "false", isIntact ? "true" : "false", most, each.c_str()));
  return isOk;
}

}  // namespace

int checkParity(const std::string& vectorsPath, const std::string& only, bool variants, Report& report) {
  int failures = 0, count = 0;
  for (const Run& run : readVectors(vectorsPath)) {
    if (!isAskedFor(run.symbol + " " + run.name, only)) continue;
    const Kernel* kernel = findKernel(run.symbol.c_str());
    if (!kernel) throw std::runtime_error("no CUDA kernel " + run.symbol + ", but there are vectors for it");
    count++;
    for (int variant = 0; variant < (variants ? kernel->variants : 1); variant++) {
      for (int precision = 0; precision < kernel->precisions; precision++) {
        if (!checkRun(*kernel, run, static_cast<Precision>(precision), variant, report)) failures++;
      }
    }
  }
  std::printf("parity: %d cases, %d failures\n", count, failures);
  if (count == 0) throw std::runtime_error("no case matches \"" + only + "\"");
  return failures;
}

}  // namespace bmojo::cuda::harness
