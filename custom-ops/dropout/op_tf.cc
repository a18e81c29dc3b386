#include "dropout/kernel.h"
#include "native/tensorflow/operator.h"

namespace bmojo {

static void drop(Call& call, const float* x, float* y) {
  const int64_t length = (int64_t)call.size("B") * call.size("L") * call.size("D");
  const DropoutMask mask =
      dropoutMask(call.integers("seed"), call.values.integer("stream"), call.values.integer("threshold"));
  const int64_t parts = partsOf(length, 1 << 14, 256);
  call.pool.run(parts, [&](int64_t part, int) {
    const Part range = partOf(length, parts, part, 64);
    dropout(x, y, range.begin, range.end, mask);
  });
}

void implementDropout(Operator& op) {
  op.derive = [](Sizes& sizes, const Values&) {
    if (sizes["S"] != 2) refuse("dropout", "seed", "two numbers, [2]", "[" + std::to_string(sizes["S"]) + "]");
  };
  op.forward = [](Call& call) { drop(call, call.input("x"), call.output("y")); };
  op.backward = [](Call& call) { drop(call, call.input("gradY"), call.output("gradX")); };
}

}  // namespace bmojo
