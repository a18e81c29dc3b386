// Every operator's C++ kernels in one WASM module.
#include "rms-norm/kernel.h"
