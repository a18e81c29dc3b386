// Every operator's C++ kernels in one WASM module.
#include "adam-w/kernel.h"
#include "cross-entropy/kernel.h"
#include "embedding-lookup/kernel.h"
#include "linear/kernel.h"
#include "rms-norm/kernel.h"
#include "rotary-embedding/kernel.h"
#include "swiglu/kernel.h"
