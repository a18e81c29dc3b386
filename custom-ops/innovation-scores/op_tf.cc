#include "innovation-scores/kernel.h"
#include "native/tensorflow/operator.h"

namespace bmojo {

static void forward(Call& call) {
  const int L = call.size("L"), D = call.size("D"), span = call.values.integer("span");
  const int64_t rows = (int64_t)call.size("B") * L;
  const int64_t parts = partsOf(rows * D, 1 << 14, 256);
  const float* y = call.input("y");
  float* scores = call.output("scores");
  call.pool.run(parts, [&](int64_t part, int) {
    const Part range = partOf(rows, parts, part);
    for (int64_t row = range.begin; row < range.end; row++)
      scores[row] = innovationOfToken(y + row * D, (int)(row % L), D, span);
  });
}

void implementInnovationScores(Operator& op) {
  op.forward = forward;
}

}  // namespace bmojo
