// Every kernel against the float64 reference, on poisoned memory, twice.
#pragma once
#include <string>

#include "native/cuda/harness/report.h"

namespace bmojo::cuda::harness {

// Runs every case whose "symbol name" contains `only`; returns the number of cases that fail.
int checkParity(const std::string& vectorsPath, const std::string& only, bool variants, Report& report);

}  // namespace bmojo::cuda::harness
