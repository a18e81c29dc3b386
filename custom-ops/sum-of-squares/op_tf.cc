#include "native/tensorflow/operator.h"
#include "sum-of-squares/kernel.h"

namespace bmojo {

static void forward(Call& call) {
  const int64_t n = call.size("*"), blocks = squareBlocks(n);
  const float* x = call.input("x");
  float* sums = call.scratch(-1, (size_t)blocks);
  const int64_t parts = partsOf(blocks, 16, 256);
  call.pool.run(parts, [&](int64_t part, int) {
    const Part range = partOf(blocks, parts, part);
    for (int64_t block = range.begin; block < range.end; block++) sums[block] = sumOfSquaresBlock(x, n, block);
  });
  double total = 0;
  for (int64_t block = 0; block < blocks; block++) total += sums[block];
  *call.output("y") = (float)total;
}

void implementSumOfSquares(Operator& op) {
  op.forward = forward;
}

}  // namespace bmojo
