#pragma once

namespace bmojo {

/** Makes every operator and its gradient known to TensorFlow, once for the process. Throws std::runtime_error. */
void registerOperators();

/** Whether CUDA kernels are built in. */
#ifdef BMOJO_CUDA
constexpr bool kHasCuda = true;
#else
constexpr bool kHasCuda = false;
#endif

/** For tests: outputs and scratch are filled with NaN before a kernel runs. */
void setPoison(bool poisons);

int threadCount();

}  // namespace bmojo
