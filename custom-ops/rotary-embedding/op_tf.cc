#include "native/tensorflow/operator.h"
#include "rotary-embedding/kernel.h"

namespace bmojo {

static void rotateAll(Call& call, const float* x, float* y, float direction) {
  const int L = call.size("L"), H = call.size("H"), Dh = call.size("Dh");
  const int64_t tokens = (int64_t)call.size("B") * L;
  const int64_t parts = partsOf(tokens * H * Dh, 1 << 14, 256);
  call.pool.run(parts, [&](int64_t part, int) {
    const Part range = partOf(tokens, parts, part);
    rotate(x, call.input("cosSin"), y, (int)range.begin, (int)range.end, L, H, Dh, direction);
  });
}

static void derive(Sizes& sizes, const Values&) {
  if (sizes["Dh"] % 2 != 0)
    refuse("rotaryEmbedding", "x's last axis, Dh,", "even", std::to_string(sizes["Dh"]));
}

void implementRotaryEmbedding(Operator& op) {
  op.derive = derive;
  op.forward = [](Call& call) { rotateAll(call, call.input("x"), call.output("y"), 1.0f); };
  op.backward = [](Call& call) { rotateAll(call, call.input("gradY"), call.output("gradX"), -1.0f); };
}

}  // namespace bmojo
