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

const Operator& innovationSelectOperator() {
  static const Operator op = [] {
    Operator o;
    o.name = "innovationSelect";
    o.inputs = {{"scores", "B M"}};
    o.outputs = {{"positions", "B C me", Role::result, Kind::i32}};
    o.attributes = {{"window", "int >= 1"}, {"capacity", "int >= 1"}, {"overlap", "bool"}};
    o.varying = {"queryOffset", "phase"};
    o.derived = {"C", "me"};
    o.derive = derive;
    o.forward = forward;
    o.cudaForward = {"innovation_select", {"B", "M", "C", "capacity", "window", "overlap", "queryOffset", "phase"}};
    return o;
  }();
  return op;
}

}  // namespace bmojo
