#include "native/tensorflow/operator.h"
#include "retrieved-attention/kernel.h"

namespace bmojo {

static RetrievedCall retrievedCall(const Call& call) {
  const RetrievedSizes sizes = {call.size("B"), call.size("L"),  call.size("M"), call.size("H"),
                                call.size("G"), call.size("Dh"), call.size("R")};
  return {sizes, call.input("q"), call.input("k"), call.input("v"), call.integers("rows")};
}

static void forward(Call& call) {
  const RetrievedCall retrieved = retrievedCall(call);
  const int items = call.size("B") * call.size("G");
  const int64_t L = call.size("L"), parts = partsOf(L, 16, 64);
  call.pool.run(items * parts, [&](int64_t task, int thread) {
    float* scratch = call.scratch(thread, retrievedScratch(call.size("R")));
    const Part queries = partOf(L, parts, task % parts);
    const int item = (int)(task / parts);
    retrievedForward(retrieved, call.output("out"), call.output("logSumExp"), scratch, item, item + 1,
                     (int)queries.begin, (int)queries.end);
  });
}

static void backward(Call& call) {
  const RetrievedCall retrieved = retrievedCall(call);
  const RetrievedCotangents in = {call.input("out"), call.input("logSumExp"), call.input("gradOut"),
                                  call.input("gradLogSumExp")};
  const int rows = call.size("B"), groups = call.size("G");
  call.pool.run(rows * groups, [&](int64_t task, int thread) {
    float* scratch = call.scratch(thread, retrievedScratch(call.size("R")));
    // Batch rows before groups: neighbouring groups' gradients are neighbours in memory.
    const int item = (int)(task % rows * groups + task / rows);
    retrievedBackward(retrieved, in, call.output("gradQ"), call.output("gradK"), call.output("gradV"), scratch, item,
                      item + 1);
  });
}

static void derive(Sizes& sizes, const Values&) {
  if (sizes["H"] % sizes["G"] != 0)
    refuse("retrievedAttention", "q", "of H heads, a multiple of the G = " + std::to_string(sizes["G"]) + " heads of k",
           std::to_string(sizes["H"]));
}

void implementRetrievedAttention(Operator& op) {
  op.derive = derive;
  op.range = [](const Sizes& sizes, const Values&) { return IntegerRange{-1, sizes["M"] - 1, -1}; };
  op.forward = forward;
  op.backward = backward;
}

}  // namespace bmojo
