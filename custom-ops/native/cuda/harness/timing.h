// The benchmark sizes on the card, beside what the card can copy.
#pragma once
#include <string>

#include "native/cuda/harness/report.h"

namespace bmojo::cuda::harness {

void describeDevice(Report& report);

// Times every size whose name contains `only`; returns how many samples of the large results disagree with float64.
int timeKernels(const std::string& only, bool variants, Report& report);

}  // namespace bmojo::cuda::harness
