// What can be checked of the timings without a GPU: that every workload runs and leaves nothing unwritten, and that the
// samples of small ones agree with float64.
#include <cmath>

#include "native/cuda/harness/spot-checks.h"
#include "native/cuda/harness/timing.h"
#include "native/cuda/harness/workloads.h"

namespace bmojo::cuda::harness {

void describeDevice(Report& report) { report.row("emulated on the CPU", "\"kind\":\"device\",\"name\":\"emulator\""); }

int timeKernels(const std::string& only, bool, Report& report) {
  int failures = 0;
  for (const Workload& w : workloads(Extent::small)) {
    if (!isAskedFor(w.name, only)) continue;
    const Prepared prepared(w);
    for (const Direction& d : w.directions) {
      for (int precision = d.precisions - 1; precision >= 0; precision--) {
        check(prepared.launch(d, static_cast<Precision>(precision), 0), w.name + ", " + d.label);
      }
      for (const std::string& name : d.outputs) {
        // Numbers of rows: -1, as a float, is no number.
        if (name.empty() || name == "positions" || name == "rows") continue;
        for (float value : prepared.floats(name)) {
          if (std::isfinite(value)) continue;
          failures++;
          report.row("FAIL " + w.name + ", " + d.label + " leaves " + name + " unwritten", "\"kind\":\"unwritten\"");
          break;
        }
      }
    }
    if (!prepared.isIntact()) {
      failures++;
      report.row("FAIL " + w.name + " writes behind its workspace", "\"kind\":\"guard\"");
    }
    for (const SampleError& sample : checkSamples(w, prepared)) {
      const bool isOk = sample.error <= sample.tolerance;
      if (!isOk) failures++;
      report.row(format("%-4s %-40s samples of %-12s %9.2e", isOk ? "ok" : "FAIL", w.name.c_str(),
                        sample.quantity.c_str(), sample.error),
                 format("\"kind\":\"samples\",\"ok\":%s", isOk ? "true" : "false"));
    }
  }
  return failures;
}

}  // namespace bmojo::cuda::harness
