#include "native/cuda/harness/timing.h"

#include <algorithm>
#include <cmath>

#include "native/cuda/harness/spot-checks.h"
#include "native/cuda/harness/workloads.h"

namespace bmojo::cuda::harness {

namespace {

constexpr int kRounds = 15;
// Launches of one round are enough to fill this time.
constexpr double kRoundMs = 2.0;
constexpr size_t kCopyBytes = size_t{1} << 30;

class Event {
 public:
  Event() { check(cudaEventCreate(&event_), "cudaEventCreate"); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { cudaEventDestroy(event_); }
  void record() { check(cudaEventRecord(event_), "cudaEventRecord"); }
  double since(Event& start) {
    check(cudaEventSynchronize(event_), "kernel");
    float ms;
    check(cudaEventElapsedTime(&ms, start.event_, event_), "cudaEventElapsedTime");
    return ms;
  }

 private:
  cudaEvent_t event_;
};

struct Times {
  double median, least;
};

template <class F>
Times measure(const F& run) {
  Event start, stop;
  const auto round = [&](int count) {
    start.record();
    for (int i = 0; i < count; i++) check(run(), "launch");
    stop.record();
    return stop.since(start) / count;
  };
  round(2);
  const int count = std::max(1, std::min(200, static_cast<int>(kRoundMs / round(1))));
  std::vector<double> times;
  for (int i = 0; i < kRounds; i++) times.push_back(round(count));
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times[0]};
}

double copyBytesPerMs(Report& report) {
  const Buffer from(kCopyBytes / 2), to(kCopyBytes / 2);
  check(fillDevice(from.data(), kCopyBytes / 8, normal(), 1), "fill");
  const Times own = measure([&] { return copyDevice(from.data(), to.data(), kCopyBytes / 32); });
  const Times driver = measure(
      [&] { return cudaMemcpyAsync(to.data(), from.data(), kCopyBytes / 2, cudaMemcpyDeviceToDevice, nullptr); });
  const double best = kCopyBytes / std::min(own.median, driver.median);
  report.row(format("copy of 512 MiB, read and written: kernel %.0f GB/s, driver %.0f GB/s", kCopyBytes / own.median / 1e6,
                    kCopyBytes / driver.median / 1e6),
             format("\"kind\":\"copy\",\"kernelGBps\":%.1f,\"driverGBps\":%.1f", kCopyBytes / own.median / 1e6,
                    kCopyBytes / driver.median / 1e6));
  return best;
}

double timeDirection(const Workload& w, const Direction& d, const Prepared& prepared, Precision precision, int variant,
                     double bytesPerMs, Report& report) {
  const Times times = measure([&] { return prepared.launch(d, precision, variant); });
  const double floorMs = d.bytes / bytesPerMs;
  std::string label = d.label;
  if (variant) label += format(" variant %d", variant);
  if (precision != Precision::kFloat32) label += format(" %s", nameOf(precision));
  const std::string rate = d.flops > 0 ? format("%8.2f TFLOP/s", d.flops / times.median / 1e9)
                                       : format("%8.0f GB/s   ", d.bytes / times.median / 1e6);
  report.row(format("%-48s %-24s %9.4f ms (least %9.4f) %s %6.2f x copy floor", w.name.c_str(), label.c_str(),
                    times.median, times.least, rate.c_str(), times.median / floorMs),
             format("\"kind\":\"time\",\"workload\":\"%s\",\"run\":\"%s\",\"ms\":%.6f,\"leastMs\":%.6f,\"bytes\":%.0f,"
                    "\"flops\":%.0f,\"copyFloorMs\":%.6f",
                    w.name.c_str(), label.c_str(), times.median, times.least, d.bytes, d.flops, floorMs));
  return times.median;
}

int reportSamples(const Workload& w, const Prepared& prepared, Report& report) {
  int failures = 0;
  for (const SampleError& sample : checkSamples(w, prepared)) {
    const bool isOk = sample.error <= sample.tolerance;
    if (!isOk) failures++;
    report.row(format("%-4s %-48s samples of %-12s %9.2e", isOk ? "ok" : "FAIL", w.name.c_str(),
                      sample.quantity.c_str(), sample.error),
               format("\"kind\":\"samples\",\"workload\":\"%s\",\"quantity\":\"%s\",\"error\":%s,\"ok\":%s",
                      w.name.c_str(), sample.quantity.c_str(),
                      std::isfinite(sample.error) ? format("%.3g", sample.error).c_str() : "null",
                      isOk ? "true" : "false"));
  }
  return failures;
}

}  // namespace

void describeDevice(Report& report) {
  cudaDeviceProp device;
  int driver = 0, runtime = 0;
  check(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties");
  check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  report.row(format("%s, %d multiprocessors, compute capability %d.%d, driver for CUDA %d.%d, runtime %d.%d",
                    device.name, device.multiProcessorCount, device.major, device.minor, driver / 1000,
                    driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10),
             format("\"kind\":\"device\",\"name\":\"%s\",\"multiprocessors\":%d", device.name,
                    device.multiProcessorCount));
}

int timeKernels(const std::string& only, bool variants, Report& report) {
  const double bytesPerMs = copyBytesPerMs(report);
  int failures = 0;
  for (const Workload& w : workloads(Extent::large)) {
    if (!isAskedFor(w.name, only)) continue;
    const Prepared prepared(w);
    for (const Direction& d : w.directions) check(prepared.launch(d, Precision::kFloat32, 0), w.name + ", " + d.label);
    check(cudaDeviceSynchronize(), w.name);
    failures += reportSamples(w, prepared, report);
    double sum = 0;
    for (const Direction& d : w.directions) {
      const int count = variants ? d.variants : 1;
      const double ms = timeDirection(w, d, prepared, Precision::kFloat32, 0, bytesPerMs, report);
      if (d.label == "forward" || d.label == "backward") sum += ms;
      for (int variant = 1; variant < count; variant++) {
        timeDirection(w, d, prepared, Precision::kFloat32, variant, bytesPerMs, report);
      }
      for (int other = 1; other < d.precisions; other++) {
        for (int variant = 0; variant < count; variant++) {
          timeDirection(w, d, prepared, static_cast<Precision>(other), variant, bytesPerMs, report);
        }
      }
    }
    if (w.directions.back().label == "backward") {
      report.row(format("%-48s %-24s %9.4f ms", w.name.c_str(), "forward+backward", sum),
                 format("\"kind\":\"time\",\"workload\":\"%s\",\"run\":\"forward+backward\",\"ms\":%.6f", w.name.c_str(), sum));
    }
  }
  return failures;
}

}  // namespace bmojo::cuda::harness
