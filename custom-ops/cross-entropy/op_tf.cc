#include "cross-entropy/kernel.h"
#include "native/tensorflow/operator.h"

namespace bmojo {

static int64_t rowParts(const Call& call) { return partsOf((int64_t)call.size("R") * call.size("V"), 1 << 14, 256); }

static void forward(Call& call) {
  const int R = call.size("R"), V = call.size("V");
  const int64_t parts = rowParts(call);
  call.pool.run(parts, [&](int64_t part, int) {
    const Part rows = partOf(R, parts, part);
    crossEntropyForward(call.input("logits"), call.integers("labels"), call.output("losses"), call.output("logSumExp"),
                        (int)rows.begin, (int)rows.end, V, call.values.integer("ignoreIndex"));
  });
}

static void backward(Call& call) {
  const int R = call.size("R"), V = call.size("V");
  const int64_t parts = rowParts(call);
  call.pool.run(parts, [&](int64_t part, int) {
    const Part rows = partOf(R, parts, part);
    crossEntropyBackward(call.input("logits"), call.integers("labels"), call.input("logSumExp"),
                         call.input("gradLosses"), call.output("gradLogits"), (int)rows.begin, (int)rows.end, V,
                         call.values.integer("ignoreIndex"));
  });
}

void implementCrossEntropy(Operator& op) {
  op.range = [](const Sizes& sizes, const Values& values) {
    return IntegerRange{0, sizes["V"] - 1, values.integer("ignoreIndex")};
  };
  op.forward = forward;
  op.backward = backward;
}

}  // namespace bmojo
