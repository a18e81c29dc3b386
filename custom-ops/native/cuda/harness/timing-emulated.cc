// The emulator checks; it has no times worth a name.
#include <stdexcept>

#include "native/cuda/harness/timing.h"

namespace bmojo::cuda::harness {

void describeDevice(Report& report) { report.row("emulated on the CPU", "\"kind\":\"device\",\"name\":\"emulator\""); }

int timeKernels(const std::string&, Report&) { throw std::runtime_error("--time needs a GPU: this is the emulator"); }

}  // namespace bmojo::cuda::harness
