#include "innovation-select/kernel.h"
#include "native/tensorflow/operator.h"

namespace bmojo {

static void forward(Call& call) {
  const int M = call.size("M"), C = call.size("C"), capacity = call.size("me");
  const Values& v = call.values;
  const float* scores = call.input("scores");
  int32_t* positions = call.integerOutput("positions");
  call.pool.run(call.size("B"), [&](int64_t b, int) {
    innovationSelectRow(scores + b * M, positions + b * C * capacity, M, C, capacity, v.integer("window"),
                        v.integer("overlap"), v.integer("queryOffset"), v.integer("phase"));
  });
}

static void derive(Sizes& sizes, const Values& v) {
  const int64_t window = v.integer("window"), phase = v.integer("phase"), offset = v.integer("queryOffset");
  if (phase < 0 || phase >= window)
    refuse("innovationSelect", "phase", "an integer in [0, " + std::to_string(window - 1) + "]", std::to_string(phase));
  if (offset < 0 || offset >= sizes["M"])
    refuse("innovationSelect", "queryOffset", "below the " + std::to_string(sizes["M"]) + " rows of scores",
           std::to_string(offset));
  sizes.set("C", (phase + sizes["M"] - offset + window - 1) / window);
  sizes.set("me", v.integer("capacity"));
}

void implementInnovationSelect(Operator& op) {
  op.derive = derive;
  op.forward = forward;
}

}  // namespace bmojo
