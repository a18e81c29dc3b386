// The CUDA kernels' own test and benchmark: needs the driver, no TensorFlow and no Node.
#include <cstring>
#include <exception>
#include <string>

#include "native/cuda/harness/parity.h"
#include "native/cuda/harness/timing.h"

namespace {

constexpr char kUsage[] =
    "usage: harness VECTORS.bin [--no-parity] [--time] [--variants] [--only TEXT] [--json FILE]\n"
    "  Compares every kernel with the float64 results in VECTORS.bin (node scripts/cuda-vectors.mjs), on poisoned\n"
    "  memory, twice. Errors are RMS of the difference over RMS of the reference.\n"
    "  --time         times the benchmark sizes, after checking samples of them against float64\n"
    "  --no-parity    only that\n"
    "  --variants     the same of every variant of a kernel, not only of the one that is used\n"
    "  --only TEXT    cases and timings whose \"kernel case\" contains TEXT, in either case of letters\n"
    "  --json FILE    the same rows, one JSON object a line\n"
    "Exit status: 0 when everything agrees, 1 when something does not, 2 for wrong use.\n";

int fail(const std::string& message) {
  std::fprintf(stderr, "harness: %s\n%s", message.c_str(), kUsage);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace bmojo::cuda::harness;
  std::string vectors, only, json;
  bool parity = true, time = false, variants = false;
  for (int i = 1; i < argc; i++) {
    const std::string word = argv[i];
    if (word == "--help") return std::fputs(kUsage, stdout), 0;
    if (word == "--time") time = true;
    else if (word == "--variants") variants = true;
    else if (word == "--no-parity") parity = false;
    else if ((word == "--only" || word == "--json") && i + 1 < argc) (word == "--only" ? only : json) = argv[++i];
    else if (word[0] == '-') return fail("unknown or incomplete option " + word);
    else if (vectors.empty()) vectors = word;
    else return fail("one file of vectors expected, got " + vectors + " and " + word);
  }
  if (vectors.empty() && parity) return fail("no file of vectors given");
  try {
    Report report(json);
    describeDevice(report);
    int failures = parity ? checkParity(vectors, only, variants, report) : 0;
    if (time) failures += timeKernels(only, variants, report);
    return failures == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "harness: %s\n", error.what());
    return 1;
  }
}
