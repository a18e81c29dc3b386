#include <string.h>

#include "memory-attention/kernel.h"
#include "native/tensorflow/operator.h"

namespace bmojo {

static AttentionCall attentionCall(const Call& call) {
  const Values& v = call.values;
  const int fading = v.is("fading", "sliding") ? 1 : v.is("fading", "chunk") ? 2 : 0;
  AttentionCall attention;
  attention.sizes = {call.size("B"), call.size("L"),  call.size("M"), call.size("H"),
                     call.size("G"), call.size("Dh"), call.size("C"), call.size("me"),
                     v.integer("window"), fading, v.integer("fadingTokens"), v.integer("queryOffset"),
                     v.integer("firstRow"), v.integer("phase")};
  attention.q = call.input("q");
  attention.k = call.input("k");
  attention.v = call.input("v");
  attention.kFading = call.input("kFading");
  attention.vFading = call.input("vFading");
  attention.positions = call.integers("positions");
  attention.gradK = call.output("gradK");
  attention.gradV = call.output("gradV");
  attention.gradKFading = call.output("gradKFading");
  attention.gradVFading = call.output("gradVFading");
  return attention;
}

static void forward(Call& call) {
  const AttentionCall attention = attentionCall(call);
  const int items = call.size("B") * call.size("G");
  // Queries are independent: where there are few items, blocks of queries are shared out too.
  const int64_t blocks = partsOf(call.size("L"), 4 * kQueries, items >= 64 ? 1 : 64);
  call.pool.run(items * blocks, [&](int64_t task, int thread) {
    float* scratch = call.scratch(thread, attentionScratch(call.size("Dh")));
    attentionForward(attention, call.output("out"), call.output("logSumExp"), scratch, (int)(task / blocks),
                     (int)(task / blocks) + 1, (int)(task % blocks), (int)blocks);
  });
}

static void backward(Call& call) {
  const AttentionCall attention = attentionCall(call);
  const AttentionCotangents in = {call.input("out"), call.input("logSumExp"), call.input("gradOut"),
                                  call.input("gradLogSumExp")};
  const int rows = call.size("B"), heads = call.size("G");
  call.pool.run(rows * heads, [&](int64_t task, int thread) {
    float* scratch = call.scratch(thread, attentionScratch(call.size("Dh")));
    // Batch rows before heads: neighbouring heads' gradients are neighbours in memory, which threads at work on both would
    // take from each other.
    const int item = (int)(task % rows * heads + task / rows);
    attentionBackward(attention, in, call.output("gradQ"), scratch, item, item + 1);
  });
}

static void derive(Sizes& sizes, const Values& v) {
  const char* name = "memoryAttention";
  auto inRange = [&](const char* argument, int64_t lowest, int64_t highest) {
    const int64_t value = v.integer(argument);
    if (value < lowest || value > highest)
      refuse(name, argument, "an integer in [" + std::to_string(lowest) + ", " + std::to_string(highest) + "]",
             std::to_string(value));
  };
  const int64_t most = (1 << 30) - 1, window = v.integer("window"), offset = v.integer("queryOffset");
  inRange("window", 1, most);
  inRange("fadingTokens", 0, most);
  inRange("phase", 0, window - 1);
  inRange("queryOffset", 0, most);
  inRange("firstRow", 0, offset);
  if (sizes["M"] != offset + sizes["L"])
    refuse(name, "k", "of M = queryOffset + L = " + std::to_string(offset + sizes["L"]) + " rows",
           std::to_string(sizes["M"]));
  if (sizes["H"] % sizes["G"] != 0)
    refuse(name, "q", "of H heads, a multiple of the G = " + std::to_string(sizes["G"]) + " heads of k",
           std::to_string(sizes["H"]));
  sizes.set("C", (v.integer("phase") + sizes["L"] + window - 1) / window);
}

void implementMemoryAttention(Operator& op) {
  op.derive = derive;
  op.range = [](const Sizes& sizes, const Values&) { return IntegerRange{-1, sizes["M"] - 1, -1}; };
  op.forward = forward;
  op.backward = backward;
}

}  // namespace bmojo
