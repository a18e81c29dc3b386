#pragma once

#include <tensorflow/c/ops.h>

#include "native/tensorflow/operator.h"

namespace bmojo {

/** Checks ranks and equal letters, and gives outputs the sizes that inputs carry; derived sizes stay open. */
void inferShapes(const Operator& op, Direction direction, TF_ShapeInferenceContext* context, TF_Status* status);

}  // namespace bmojo
