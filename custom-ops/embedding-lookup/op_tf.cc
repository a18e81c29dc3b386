#include "embedding-lookup/kernel.h"
#include "native/tensorflow/operator.h"

namespace bmojo {

static void forward(Call& call) {
  const int64_t tokens = (int64_t)call.size("B") * call.size("L");
  const int D = call.size("D");
  const int64_t parts = partsOf(tokens * D, 1 << 15, 256);
  call.pool.run(parts, [&](int64_t part, int) {
    const Part range = partOf(tokens, parts, part);
    embeddingLookupForward(call.input("table"), call.integers("ids"), call.output("y"), (int)range.begin,
                           (int)range.end, D);
  });
}

static void backward(Call& call) {
  const int tokens = call.size("B") * call.size("L"), V = call.size("V"), D = call.size("D");
  const int64_t parts = partsOf(D, 32, 64);
  call.pool.run(parts, [&](int64_t part, int) {
    const Part channels = partOf(D, parts, part, 16);
    embeddingLookupBackward(call.integers("ids"), call.input("gradY"), call.output("gradTable"), tokens, V, D,
                            (int)channels.begin, (int)channels.end);
  });
}

void implementEmbeddingLookup(Operator& op) {
  op.range = [](const Sizes& sizes, const Values&) { return IntegerRange{0, sizes["V"] - 1, 0}; };
  op.forward = forward;
  op.backward = backward;
}

}  // namespace bmojo
