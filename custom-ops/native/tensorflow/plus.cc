// a + b of two tensors of one shape, in place of TensorFlow's own op, whose threads have to be woken and find ours on their
// cores: residual connections and gradients that meet call it between our kernels.
#include "native/simd.h"
#include "native/tensorflow/operator.h"

namespace bmojo {

static void forward(Call& call) {
  const float *a = call.input("a"), *b = call.input("b");
  float* sum = call.output("sum");
  const int64_t length = call.inputs[0].length();
  const int64_t parts = partsOf(length, 1 << 15, 256);
  call.pool.run(parts, [&](int64_t part, int) {
    const Part range = partOf(length, parts, part, 64);
    int64_t i = range.begin;
    for (; i + kLanes <= range.end; i += kLanes) store(sum + i, load(a + i) + load(b + i));
    for (; i < range.end; i++) sum[i] = a[i] + b[i];
  });
}

Operator plusOperator() {
  Operator op;
  op.name = "plus";
  op.inputs = {{"a", "*"}, {"b", "*"}};
  op.outputs = {{"sum", "*"}};
  op.forward = forward;
  return op;
}

}  // namespace bmojo
