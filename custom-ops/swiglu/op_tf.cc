#include "native/tensorflow/operator.h"
#include "swiglu/kernel.h"

namespace bmojo {

static void overParts(Call& call, void (*body)(const Call&, int64_t, int64_t)) {
  const int64_t length = (int64_t)call.size("B") * call.size("L") * call.size("E");
  const int64_t parts = partsOf(length, 1 << 14, 256);
  call.pool.run(parts, [&](int64_t part, int) {
    const Part range = partOf(length, parts, part, 64);
    body(call, range.begin, range.end);
  });
}

static void forward(Call& call) {
  overParts(call, [](const Call& c, int64_t begin, int64_t end) {
    swigluForward(c.input("gate"), c.input("up"), c.output("y"), begin, end);
  });
}

static void backward(Call& call) {
  overParts(call, [](const Call& c, int64_t begin, int64_t end) {
    swigluBackward(c.input("gate"), c.input("up"), c.input("gradY"), c.output("gradGate"), c.output("gradUp"), begin,
                   end);
  });
}

void implementSwiglu(Operator& op) {
  op.forward = forward;
  op.backward = backward;
}

}  // namespace bmojo
