#include "narrow/kernel.h"
#include "native/tensorflow/operator.h"

namespace bmojo {

static narrow::Format formatOf(const Call& call) {
  return call.values.is("format", "float16") ? narrow::Format::float16 : narrow::Format::bfloat16;
}

/** `n`: numbers of a row. */
static void overWords(Call& call, int64_t rows, int64_t n, void (*body)(const Call&, int64_t, int64_t, int64_t)) {
  const int64_t words = rows * ((n + 1) / 2);
  const int64_t parts = partsOf(words, 1 << 14, 256);
  call.pool.run(parts, [&](int64_t part, int) {
    const Part range = partOf(words, parts, part, 64);
    body(call, n, range.begin, range.end);
  });
}

void implementNarrow(Operator& op) {
  op.derive = [](Sizes& sizes, const Values&) { sizes.set("W", (sizes["*"] + 1) / 2); };
  op.forward = [](Call& call) {
    overWords(call, 1, call.size("*"), [](const Call& c, int64_t n, int64_t begin, int64_t end) {
      narrow::packAs(formatOf(c), c.input("x"), (int32_t*)c.output("words"), n, begin, end);
    });
  };
}

void implementWiden(Operator& op) {
  op.derive = [](Sizes& sizes, const Values& values) {
    const int64_t columns = values.integer("columns");
    sizes.set("W", (columns + 1) / 2);
    sizes.set("E", columns);
  };
  op.forward = [](Call& call) {
    overWords(call, call.size("D"), call.size("E"), [](const Call& c, int64_t n, int64_t begin, int64_t end) {
      narrow::unpackAs(formatOf(c), c.integers("words"), c.output("y"), n, begin, end);
    });
  };
}

}  // namespace bmojo
