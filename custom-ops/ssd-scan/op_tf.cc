#include "native/tensorflow/operator.h"
#include "ssd-scan/kernel.h"

namespace bmojo {

// Heads of one task; those of a group that are in one task share the products of B and C.
constexpr int kHeads = 4;

static SsdInputs inputsOf(const Call& call) {
  return {call.input("x"), call.input("delta"), call.input("A"),         call.input("B"),
          call.input("C"), call.input("D"),     call.input("deltaBias"), call.input("initialState")};
}

static SsdSizes sizesOf(const Call& call) {
  return {call.size("B"), call.size("L"), call.size("H"), call.size("P"), call.size("G"), call.size("N"),
          call.size("chunk"), (float)call.values.number("deltaLeast"), (float)call.values.number("deltaMost")};
}

/** Tasks of a call: some heads of a group of a batch row; `part` counts those of a group. */
struct SsdTasks {
  SsdSizes s;
  int perGroup, parts;

  explicit SsdTasks(const SsdSizes& s) : s(s), perGroup(s.H / s.G), parts((perGroup + kHeads - 1) / kHeads) {}
  int64_t count() const { return (int64_t)s.B * s.G * parts; }
  int part(int64_t task) const { return (int)(task % parts); }
  SsdHeads heads(int64_t task) const {
    const int group = (int)(task / parts % s.G), begin = group * perGroup + part(task) * kHeads;
    return {(int)(task / parts / s.G), begin, smaller(begin + kHeads, (group + 1) * perGroup)};
  }
};

static void forward(Call& call) {
  const SsdTasks tasks(sizesOf(call));
  const SsdInputs in = inputsOf(call);
  call.pool.run(tasks.count(), [&](int64_t task, int thread) {
    ssdForward(in, call.output("y"), call.output("finalState"), call.output("chunkStates"), tasks.s, tasks.heads(task),
               call.scratch(thread, (size_t)ssdForwardFloats(tasks.s)));
  });
}

// What a group shares (B, C) is summed over its parts afterwards, what batch rows share (A, D, deltaBias) over the rows,
// both in order.
static void backward(Call& call) {
  const SsdTasks tasks(sizesOf(call));
  const SsdSizes& s = tasks.s;
  const SsdInputs in = inputsOf(call);
  const SsdGradients grads = {call.output("gradX"), call.output("gradDelta"), call.output("gradA"), call.output("gradB"),
                              call.output("gradC"), call.output("gradD"),     call.output("gradDeltaBias"),
                              call.output("gradInitialState")};
  const int64_t shared = (int64_t)s.B * s.L * s.G * s.N;
  const size_t partFloats = tasks.parts > 1 ? (size_t)(2 * tasks.parts * shared) : 0;
  float* sums = call.scratch(-1, partFloats + (size_t)s.B * 3 * s.H);
  float* rows = sums + partFloats;
  fill(rows, 0.0f, s.B * 3 * s.H);
  call.pool.run(tasks.count(), [&](int64_t task, int thread) {
    const SsdHeads heads = tasks.heads(task);
    SsdGradients own = grads;
    if (tasks.parts > 1) {
      own.B = sums + 2 * tasks.part(task) * shared;
      own.C = own.B + shared;
    }
    own.A = rows + (int64_t)heads.b * 3 * s.H;
    own.D = own.A + s.H;
    own.deltaBias = own.D + s.H;
    ssdBackward(in, call.input("chunkStates"), call.input("gradY"), call.input("gradFinalState"), own, s, heads,
                call.scratch(thread, (size_t)ssdBackwardFloats(s, kHeads)));
  });
  auto addUp = [&](float* to, const float* from, int64_t stride, int64_t count, int64_t length) {
    if (!to) return;
    const int64_t parts = partsOf(length, 1 << 13, 256);
    call.pool.run(parts, [&](int64_t part, int) {
      const Part range = partOf(length, parts, part, 16);
      const int size = (int)(range.end - range.begin);
      fill(to + range.begin, 0, size);
      for (int64_t i = 0; i < count; i++) axpy(to + range.begin, from + i * stride + range.begin, 1.0f, size);
    });
  };
  if (tasks.parts > 1) {
    addUp(grads.B, sums, 2 * shared, tasks.parts, shared);
    addUp(grads.C, sums + shared, 2 * shared, tasks.parts, shared);
  }
  addUp(grads.A, rows, 3 * s.H, s.B, s.H);
  addUp(grads.D, rows + s.H, 3 * s.H, s.B, s.H);
  addUp(grads.deltaBias, rows + 2 * s.H, 3 * s.H, s.B, s.H);
}

void implementSsdScan(Operator& op) {
  op.derive = [](Sizes& sizes, const Values& values) {
    if (sizes["H"] % sizes["G"] != 0)
      refuse("ssdScan", "x", "of H heads, a multiple of the G = " + std::to_string(sizes["G"]) + " groups of B",
             std::to_string(sizes["H"]));
    const int64_t chunk = values.is("precision", "float16") ? 128 : 64;  // chunkOf in attributes.ts
    sizes.set("S", (sizes["L"] + chunk - 1) / chunk);
    sizes.set("chunk", chunk);
  };
  op.forward = forward;
  op.backward = backward;
}

}  // namespace bmojo
