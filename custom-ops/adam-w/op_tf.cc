// TensorFlow's tensors do not change, so the op gives new ones, and the variables take them over (backends/tensorflow).
#include <string.h>

#include "adam-w/kernel.h"
#include "native/tensorflow/operator.h"

namespace bmojo {

static void forward(Call& call) {
  const int64_t length = call.size("*");
  const Values& v = call.values;
  const auto number = [&](const char* name) { return (float)v.number(name); };
  const AdamWFactors given = {number("beta1"),        number("rest1"), number("beta2"),    number("rest2"),
                              number("epsilon"),      number("keep"),  number("rate"),     number("correction"),
                              number("learningRate"), number("step"),  number("logBeta1"), number("logBeta2")};
  const AdamWFactors factors = withSkipped(given, call.input("skipped"));
  const float* scale = call.input("gradientScale");
  const char* written[] = {"parameter", "firstMoment", "secondMoment"};
  float* next[3];
  const float* now[3];
  for (int i = 0; i < 3; i++) {
    next[i] = call.output(written[i]);
    now[i] = call.input(written[i]);
  }
  const int64_t parts = partsOf(length, 1 << 14, 256);
  call.pool.run(parts, [&](int64_t part, int) {
    const Part range = partOf(length, parts, part, 64);
    for (int i = 0; i < 3; i++) memcpy(next[i] + range.begin, now[i] + range.begin, (range.end - range.begin) * 4);
    adamW(next[0], call.input("gradient"), next[1], next[2], scale ? *scale : 1.0f, (int)range.begin, (int)range.end,
          factors);
  });
}

void implementAdamW(Operator& op) {
  op.forward = forward;
}

}  // namespace bmojo
