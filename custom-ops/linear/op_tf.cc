#include "linear/kernel.h"
#include "native/tensorflow/operator.h"

namespace bmojo {

struct LinearSizes {
  int64_t rows;
  int D, E;
};

static LinearSizes sizesOf(const Call& call) {
  return {(int64_t)call.size("B") * call.size("L"), call.size("D"), call.size("E")};
}

/** Ranges of rows of about 2^23 multiplications each: every range packs the weight for itself. */
static int64_t rowParts(const LinearSizes& s) {
  const int64_t rows = ((int64_t)1 << 23) / ((int64_t)s.D * s.E) + 1;
  return partsOf(s.rows, rows < kBlockRows ? kBlockRows : rows, 256);
}

static void forward(Call& call, bool across) {
  const LinearSizes s = sizesOf(call);
  const int64_t parts = rowParts(s);
  call.pool.run(parts, [&](int64_t part, int thread) {
    const Part range = partOf(s.rows, parts, part, kTileRows);
    linearForward(call.input("x"), call.input("weight"), call.input("bias"), call.output("y"),
                  call.scratch(thread, kGemmScratch), (int)range.begin, (int)range.end, s.D, s.E, across);
  });
}

// gradX by ranges of rows; gradWeight by ranges of its own rows, which share nothing, or, where it is small, by ranges of
// tokens whose sums are added up in order.
static void backward(Call& call, bool across) {
  const LinearSizes s = sizesOf(call);
  const float *x = call.input("x"), *weight = call.input("weight"), *gradY = call.input("gradY");
  float *gradX = call.output("gradX"), *gradWeight = call.output("gradWeight"), *gradBias = call.output("gradBias");
  const int weights = s.D * s.E;
  const int64_t tokenParts = weights <= 1 << 16 ? partsOf(s.rows, 512, 16) : 1;
  const int64_t stride = weights + s.E;
  float* sums = tokenParts > 1 ? call.scratch(-1, (size_t)(tokenParts * stride)) : nullptr;
  const int outer = across ? s.E : s.D;  // rows of gradWeight
  const int64_t outerParts = tokenParts > 1 ? 1 : partsOf(outer, 30, 64);
  const int64_t weightTasks = tokenParts > 1 ? tokenParts : outerParts;
  const int64_t inputTasks = rowParts(s);
  call.pool.run(weightTasks + inputTasks, [&](int64_t task, int thread) {
    float* scratch = call.scratch(thread, kGemmScratch);
    if (task >= weightTasks) {
      const Part range = partOf(s.rows, inputTasks, task - weightTasks, kTileRows);
      linearGradInput(weight, gradY, gradX, scratch, (int)range.begin, (int)range.end, s.D, s.E, across);
    } else if (tokenParts > 1) {
      const Part tokens = partOf(s.rows, tokenParts, task);
      float* sum = sums + task * stride;
      linearGradWeight(x, gradY, sum, scratch, (int)tokens.begin, (int)tokens.end, 0, outer, s.D, s.E, across);
      linearGradBias(gradY, sum + weights, (int)tokens.begin, (int)tokens.end, s.E);
    } else {
      const Part rows = partOf(outer, outerParts, task, kTileRows);
      linearGradWeight(x, gradY, gradWeight, scratch, 0, (int)s.rows, (int)rows.begin, (int)rows.end, s.D, s.E, across);
      if (task == 0 && gradBias) linearGradBias(gradY, gradBias, 0, (int)s.rows, s.E);
    }
  });
  if (tokenParts == 1) return;
  const int64_t parts = partsOf(weights, 1 << 12, 64);
  call.pool.run(parts, [&](int64_t part, int) {
    const Part range = partOf(weights, parts, part, 16);
    const int count = (int)(range.end - range.begin);
    fill(gradWeight + range.begin, 0, count);
    for (int64_t p = 0; p < tokenParts; p++) axpy(gradWeight + range.begin, sums + p * stride + range.begin, 1.0f, count);
    if (part != 0 || !gradBias) return;
    fill(gradBias, 0, s.E);
    for (int64_t p = 0; p < tokenParts; p++) axpy(gradBias, sums + p * stride + weights, 1.0f, s.E);
  });
}

static Operator define(const char* name, bool across) {
  Operator o;
  o.name = name;
  o.inputs = {{"x", "B L D", kDifferentiable},
              {"weight", across ? "E D" : "D E", kDifferentiable},
              {"bias", "E", kDifferentiable | kOptional}};
  o.outputs = {{"y", "B L E"}};
  o.forward = [across](Call& call) { forward(call, across); };
  o.backward = [across](Call& call) { backward(call, across); };
  return o;
}

const Operator& linearOperator() {
  static const Operator op = define("linear", false);
  return op;
}

const Operator& linearTransposedOperator() {
  static const Operator op = define("linearTransposed", true);
  return op;
}

}  // namespace bmojo
