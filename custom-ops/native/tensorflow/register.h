#pragma once

namespace bmojo {

/** Makes every operator and its gradient known to TensorFlow. Throws std::runtime_error. */
void registerOperators();

/** For tests: outputs and scratch are filled with NaN before a kernel runs. */
void setPoison(bool poisons);

int threadCount();

}  // namespace bmojo
