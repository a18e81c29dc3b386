// Every operator's C++ kernels in one WASM module.
#include "cross-entropy/kernel.h"
#include "embedding-lookup/kernel.h"
#include "linear/kernel.h"
#include "rms-norm/kernel.h"
