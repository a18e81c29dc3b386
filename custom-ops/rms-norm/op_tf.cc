#include "native/tensorflow/operator.h"
#include "rms-norm/kernel.h"

namespace bmojo {

static void forward(Call& call) {
  const int64_t rows = (int64_t)call.size("B") * call.size("L");
  const int D = call.size("D");
  const int64_t parts = partsOf(rows * D, 1 << 14, 256);
  call.pool.run(parts, [&](int64_t part, int) {
    const Part range = partOf(rows, parts, part);
    rmsNormForward(call.input("x"), call.input("gain"), call.output("y"), call.output("inverseRms"), (int)range.begin,
                   (int)range.end, D, (float)call.values.number("epsilon"));
  });
}

static void backward(Call& call) {
  const int64_t rows = (int64_t)call.size("B") * call.size("L");
  const int D = call.size("D");
  const int64_t parts = partsOf(rows, 128, 32);
  float* gains = call.scratch(-1, (size_t)(parts * D));
  call.pool.run(parts, [&](int64_t part, int) {
    const Part range = partOf(rows, parts, part);
    fill(gains + part * D, 0, D);
    rmsNormBackward(call.input("x"), call.input("gain"), call.input("inverseRms"), call.input("gradY"),
                    call.output("gradX"), gains + part * D, (int)range.begin, (int)range.end, D);
  });
  float* gradGain = call.output("gradGain");
  fill(gradGain, 0, D);
  for (int64_t part = 0; part < parts; part++) axpy(gradGain, gains + part * D, 1.0f, D);
}

void implementRmsNorm(Operator& op) {
  op.forward = forward;
  op.backward = backward;
}

}  // namespace bmojo
