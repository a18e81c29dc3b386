// Every operator's C++ kernels in one WASM module.
#include "linear/kernel.h"
#include "rms-norm/kernel.h"
