#include "causal-conv1d/kernel.h"
#include "native/tensorflow/operator.h"

namespace bmojo {

static ConvInputs inputsOf(const Call& call) {
  return {call.input("x"), call.input("weight"), call.input("bias"), call.input("initialState")};
}

static ConvSizes sizesOf(const Call& call) {
  return {call.size("L"), call.size("E"), call.size("K"), call.values.is("activation", "silu")};
}

/** Channels that share cache lines stay together. */
constexpr int kChannels = 16;

static void forward(Call& call) {
  const ConvSizes s = sizesOf(call);
  const int64_t groups = partsOf(s.E, kChannels, 256);
  call.pool.run(call.size("B") * groups, [&](int64_t task, int) {
    const Part channels = partOf(s.E, groups, task % groups, kChannels);
    const int b = (int)(task / groups);
    convForward(inputsOf(call), call.output("y"), call.output("finalState"), s, b, b + 1, (int)channels.begin,
                (int)channels.end);
  });
}

static void backward(Call& call) {
  const ConvSizes s = sizesOf(call);
  const ConvGradients grads = {call.output("gradX"), call.output("gradWeight"), call.output("gradBias"),
                               call.output("gradInitialState")};
  const int64_t groups = partsOf(s.E, kChannels, 256);
  call.pool.run(groups, [&](int64_t task, int) {
    const Part channels = partOf(s.E, groups, task, kChannels);
    convBackward(inputsOf(call), call.input("gradY"), call.input("gradFinalState"), grads, s, call.size("B"),
                 (int)channels.begin, (int)channels.end);
  });
}

static void derive(Sizes& sizes, const Values&) {
  const int64_t K = sizes["K"];
  if (K < 2 || K > kMostTaps)
    refuse("causalConv1d", "weight size K", "an integer in [2, 16]", std::to_string(K));
  sizes.set("K-1", K - 1);
}

void implementCausalConv1d(Operator& op) {
  op.derive = derive;
  op.forward = forward;
  op.backward = backward;
}

}  // namespace bmojo
