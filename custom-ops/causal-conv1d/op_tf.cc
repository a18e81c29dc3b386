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

const Operator& causalConv1dOperator() {
  static const Operator op = [] {
    Operator o;
    o.name = "causalConv1d";
    o.inputs = {{"x", "B L E", kDifferentiable},
                {"weight", "K E", kDifferentiable},
                {"bias", "E", kDifferentiable | kOptional},
                {"initialState", "B K-1 E", kDifferentiable | kOptional}};
    o.outputs = {{"y", "B L E"}, {"finalState", "B K-1 E"}};
    o.attributes = {{"activation", "{'none', 'silu'}"}};
    o.derived = {"K-1"};
    o.derive = derive;
    o.forward = forward;
    o.backward = backward;
    o.cudaForward = {"causal_conv1d_forward", {"B", "L", "E", "K", "activation"}};
    o.cudaBackward = {"causal_conv1d_backward", o.cudaForward.scalars};
    return o;
  }();
  return op;
}

}  // namespace bmojo
