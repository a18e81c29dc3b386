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

/**
 * Ranges of rows, `perThread` for every thread, since a cut between rows changes no bit; each of at least 2^20
 * multiplications, and of enough rows to make up for packing the weight once more.
 */
static int64_t rowParts(const LinearSizes& s, int threads, int perThread) {
  const int64_t rows = ((int64_t)1 << 20) / ((int64_t)s.D * s.E) + 1;
  return partsOf(s.rows, rows < 2 * kBlockRows ? 2 * kBlockRows : rows, (int64_t)threads * perThread);
}

static void forward(Call& call, bool across) {
  const LinearSizes s = sizesOf(call);
  const int64_t parts = rowParts(s, call.pool.threads(), 2);
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
  const int64_t outerParts = tokenParts > 1 ? 1 : partsOf(outer, kBlockRows, call.pool.threads());
  const int64_t weightTasks = tokenParts > 1 ? tokenParts : outerParts;
  const int64_t inputTasks = rowParts(s, call.pool.threads(), 1);
  const int64_t tasks = weightTasks + inputTasks;
  call.pool.run(tasks, [&](int64_t index, int thread) {
    float* scratch = call.scratch(thread, kGemmScratch);
    // The two kinds are mixed evenly, so that a thread gets the same rows here as in other ops.
    const int64_t task = index * weightTasks / tasks;
    if ((index + 1) * weightTasks / tasks == task) {
      const Part range = partOf(s.rows, inputTasks, index - task, kTileRows);
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

static void implement(Operator& op, bool across) {
  op.forward = [across](Call& call) { forward(call, across); };
  op.backward = [across](Call& call) { backward(call, across); };
}

void implementLinear(Operator& op) { implement(op, false); }
void implementLinearTransposed(Operator& op) { implement(op, true); }

}  // namespace bmojo
