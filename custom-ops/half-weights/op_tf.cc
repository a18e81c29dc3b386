#include "half-weights/kernel.h"
#include "native/tensorflow/operator.h"

namespace bmojo {

static half::Format formatOf(const Call& call) {
  return call.values.is("format", "float16") ? half::Format::float16 : half::Format::bfloat16;
}

/** Columns are shared: a cut between them changes no bit. */
static void product(Call& call, bool across) {
  const int rows = call.size("B") * call.size("L"), D = call.size("D"), E = call.size("E");
  const int64_t least = ((int64_t)1 << 16) / D + 1;
  const int64_t parts = partsOf(E, least < 64 ? 64 : least, 4 * (int64_t)call.pool.threads());
  call.pool.run(parts, [&](int64_t part, int) {
    const Part columns = partOf(E, parts, part, 64);
    half::linearOf(formatOf(call), call.input("x"), call.integers("weight"), call.input("bias"), call.output("y"), rows, D,
                   E, (int)columns.begin, (int)columns.end, across);
  });
}

/** `whole` is the size that a row of the weight has. */
static void derive(Sizes& sizes, const Values& values, const char* whole) {
  const int64_t columns = values.integer("columns");
  sizes.set("W", (columns + 1) / 2);
  sizes.set(whole, columns);
}

static void implementProduct(Operator& op, bool across) {
  op.derive = [across](Sizes& sizes, const Values& values) {
    const int64_t rows = sizes["B"] * sizes["L"];
    if (rows > 8) refuse(across ? "linearTransposedHalf" : "linearHalf", "x", "of at most 8 rows, B L", std::to_string(rows));
    derive(sizes, values, across ? "D" : "E");
  };
  op.forward = [across](Call& call) { product(call, across); };
}

void implementLinearHalf(Operator& op) { implementProduct(op, false); }
void implementLinearTransposedHalf(Operator& op) { implementProduct(op, true); }

void implementEmbeddingLookupHalf(Operator& op) {
  op.derive = [](Sizes& sizes, const Values& values) { derive(sizes, values, "D"); };
  op.range = [](const Sizes& sizes, const Values&) { return IntegerRange{0, sizes["V"] - 1, 0}; };
  op.forward = [](Call& call) {
    const int64_t tokens = (int64_t)call.size("B") * call.size("L");
    const int D = call.size("D");
    const int64_t parts = partsOf(tokens * D, 1 << 15, 256);
    call.pool.run(parts, [&](int64_t part, int) {
      const Part range = partOf(tokens, parts, part);
      half::rowsOf(formatOf(call), call.integers("table"), call.integers("ids"), call.output("y"), (int)range.begin,
                   (int)range.end, D);
    });
  };
}

}  // namespace bmojo
