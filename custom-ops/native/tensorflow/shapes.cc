#include "native/tensorflow/shapes.h"

namespace bmojo {

void inferShapes(const Operator& op, Direction direction, TF_ShapeInferenceContext* context, TF_Status* status) {
  const Ports ports = portsOf(op, direction);
  std::vector<std::pair<std::string, TF_DimensionHandle*>> sizes;
  auto sizeOf = [&](const std::string& token) -> TF_DimensionHandle* {
    for (const auto& size : sizes)
      if (size.first == token) return size.second;
    return nullptr;
  };
  for (size_t i = 0; i < ports.inputs.size() && TF_GetCode(status) == TF_OK; i++) {
    const Port& port = ports.inputs[i];
    if (port.shape == "*" || (port.flags & kOptional)) continue;
    TF_ShapeHandle* shape = TF_NewShapeHandle();
    TF_ShapeInferenceContextGetInput(context, (int)i, shape, status);
    const std::vector<std::string>& tokens = port.tokens;
    if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextWithRank(context, shape, (int64_t)tokens.size(), shape, status);
    for (size_t axis = 0; axis < tokens.size() && TF_GetCode(status) == TF_OK; axis++) {
      TF_DimensionHandle* size = TF_NewDimensionHandle();
      TF_ShapeInferenceContextDim(context, shape, (int64_t)axis, size);
      TF_DimensionHandle* known = sizeOf(tokens[axis]);
      if (known == nullptr) {
        sizes.emplace_back(tokens[axis], size);
        continue;
      }
      if (TF_DimensionHandleValueKnown(size) && TF_DimensionHandleValueKnown(known) &&
          TF_DimensionHandleValue(size) != TF_DimensionHandleValue(known)) {
        const std::string message = std::string(op.name) + ": " + port.name + " must have " + tokens[axis] + " = " +
                                    std::to_string(TF_DimensionHandleValue(known)) + " on axis " +
                                    std::to_string(axis) + ", got " + std::to_string(TF_DimensionHandleValue(size));
        TF_SetStatus(status, TF_INVALID_ARGUMENT, message.c_str());
      }
      TF_DeleteDimensionHandle(size);
    }
    TF_DeleteShapeHandle(shape);
  }
  for (size_t i = 0; i < ports.outputs.size() && TF_GetCode(status) == TF_OK; i++) {
    const Port& port = ports.outputs[i];
    if (port.shape == "*" || (port.flags & kOptional)) {
      TF_ShapeInferenceContextSetUnknownShape(context, status);
      continue;
    }
    TF_ShapeHandle* shape = TF_ShapeInferenceContextScalar(context);
    for (const std::string& token : port.tokens) {
      TF_DimensionHandle* size = sizeOf(token);
      const int64_t value = size && TF_DimensionHandleValueKnown(size) ? TF_DimensionHandleValue(size) : -1;
      TF_ShapeHandle* axis = TF_ShapeInferenceContextVectorFromSize(context, value < 0 ? (size_t)-1 : (size_t)value);
      TF_ShapeInferenceContextConcatenateShapes(context, shape, axis, shape, status);
      TF_DeleteShapeHandle(axis);
    }
    TF_ShapeInferenceContextSetOutput(context, (int)i, shape, status);
    TF_DeleteShapeHandle(shape);
  }
  for (auto& size : sizes) TF_DeleteDimensionHandle(size.second);
}

}  // namespace bmojo
