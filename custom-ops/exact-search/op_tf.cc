#include "exact-search/kernel.h"
#include "native/tensorflow/operator.h"

namespace bmojo {

// Rows that a thread takes at least where they are shared out.
constexpr int64_t kLeastRows = 1 << 14;

// Queries are independent. Where there are few, rows are shared out too: each part finds its best, and the parts' lists are
// merged in the order of the parts, older rows first.
static void forward(Call& call) {
  using namespace search;
  const Values& v = call.values;
  const SearchCall asked = {{call.size("B"), call.size("L"), call.size("N"), call.size("G"), call.size("Dh"),
                             call.size("R"), v.integer("window"), v.integer("queryOffset"), v.integer("phase")},
                             call.input("q"),
                             call.input("k"),
                             call.integers("admitted")};
  const SearchSizes& s = asked.sizes;
  int32_t* rows = call.integerOutput("rows");
  float* scores = call.output("scores");
  const int64_t blocks = blocksOf(s), items = (int64_t)s.B * s.G * blocks;
  const int64_t lists = (int64_t)s.B * s.L * s.G * s.R;
  const int64_t parts = items >= 64 ? 1 : partsOf(s.N, kLeastRows, 64);
  // Of all parts but the first, whose lists stand in the results.
  float* others = call.scratch(-1, (size_t)(2 * (parts - 1) * lists));
  auto partRows = [&](int64_t part) { return part == 0 ? rows : (int32_t*)others + 2 * (part - 1) * lists; };
  auto partScores = [&](int64_t part) { return part == 0 ? scores : others + (2 * (part - 1) + 1) * lists; };
  auto blockOf = [&](int64_t item, int64_t part, float* scratch) {
    const int64_t list = item / blocks;
    return blockAt(asked, (int)(list / s.G), (int)(list % s.G), (int)(item % blocks), partRows(part),
                   partScores(part), scratch);
  };
  call.pool.run(items * parts, [&](int64_t task, int thread) {
    const int64_t item = task / parts, part = task % parts, list = item / blocks;
    const QueryBlock block = blockOf(item, part, call.scratch(thread, searchScratch(s.Dh)));
    const Part range = partOf(s.N, parts, part, kRowsAtOnce);
    clearLists(s, block);
    searchBlock(s, rowsOf(asked, (int)(list / s.G), (int)(list % s.G)), block, (int)range.begin, (int)range.end);
  });
  if (parts == 1) return;
  call.pool.run(items, [&](int64_t item, int) {
    const QueryBlock into = blockOf(item, 0, nullptr);
    for (int64_t part = 1; part < parts; part++) {
      const QueryBlock from = blockOf(item, part, nullptr);
      for (int i = 0; i < into.count; i++) into.list(s, i).merge(from.list(s, i));
    }
  });
}

static void derive(Sizes& sizes, const Values& v) {
  const int64_t window = v.integer("window"), phase = v.integer("phase"), offset = v.integer("queryOffset");
  auto inRange = [&](const char* argument, int64_t value, int64_t highest) {
    if (value < 0 || value > highest)
      refuse("exactSearch", argument, "an integer in [0, " + std::to_string(highest) + "]", std::to_string(value));
  };
  inRange("window", window, (1 << 30) - 1);
  inRange("phase", phase, window == 0 ? 0 : window - 1);
  inRange("queryOffset", offset, 1 << 30);
  sizes.set("R", v.integer("count"));
}

void implementExactSearch(Operator& op) {
  op.derive = derive;
  op.forward = forward;
}

}  // namespace bmojo
