#include "native/tensorflow/operator.h"
#include "selective-scan/kernel.h"

namespace bmojo {

constexpr int kChunk = 64;      // tokens between saved states; 16 takes a twentieth longer
constexpr int kCudaChunk = 16;  // CHUNK in definition.ts
constexpr int kChannels = 32;   // of one task: their sums over channels are one vector a token

static ScanInputs inputsOf(const Call& call) {
  return {call.input("u"), call.input("delta"), call.input("A"),         call.input("B"),           call.input("C"),
          call.input("D"), call.input("z"),     call.input("deltaBias"), call.input("initialState")};
}

static ScanSizes sizesOf(const Call& call) {
  return {call.size("B"), call.size("L"), call.size("E"), call.size("N"), kChunk, call.values.integer("deltaSoftplus")};
}

template <int kN>
static void forwardOf(Call& call) {
  const ScanSizes s = sizesOf(call);
  const ScanInputs in = inputsOf(call);
  const int64_t groups = partsOf(s.E, 16, 1024);
  call.pool.run(s.B * groups, [&](int64_t task, int thread) {
    const Part channels = partOf(s.E, groups, task % groups, 16);
    const int b = (int)(task / groups);
    scanForward<kN>(in, call.output("y"), call.output("finalState"), call.output("chunkStates"), s,
                    call.scratch(thread, scanForwardFloats(s)), b, b + 1, (int)channels.begin, (int)channels.end);
  });
}

// A task takes a group of channels of one batch row. What channels share (B, C) is summed over the groups afterwards, what
// rows share (A, D, deltaBias) over the rows, both in order.
template <int kN>
static void backwardOf(Call& call) {
  const ScanSizes s = sizesOf(call);
  const ScanInputs in = inputsOf(call);
  const ScanGradients grads = {call.output("gradU"), call.output("gradDelta"), call.output("gradA"),
                               call.output("gradB"), call.output("gradC"),     call.output("gradD"),
                               call.output("gradZ"), call.output("gradDeltaBias"), call.output("gradInitialState")};
  const int64_t groups = (s.E + kChannels - 1) / kChannels;
  const int64_t tokens = (int64_t)s.B * s.L * s.N, shared = (int64_t)s.E * (s.N + 2);
  float* sums = call.scratch(-1, (size_t)(groups > 1 ? 2 * groups * tokens : 0) + (size_t)(s.B * shared) + 16);
  float* rows = sums + (groups > 1 ? 2 * groups * tokens : 0);
  call.pool.run(s.B * groups, [&](int64_t task, int thread) {
    const int b = (int)(task / groups);
    const int64_t group = task % groups;
    const Part channels = partOf(s.E, groups, group, kChannels);
    ScanGradients own = grads;
    if (groups > 1) {
      own.B = sums + 2 * group * tokens;
      own.C = own.B + tokens;
    }
    own.A = rows + b * shared;
    own.D = own.A + (int64_t)s.E * s.N;
    own.deltaBias = own.D + s.E;
    scanBackward<kN>(in, call.input("chunkStates"), call.input("gradY"), call.input("gradFinalState"), own, s,
                     call.scratch(thread, scanBackwardFloats(s)), b, b + 1, (int)channels.begin, (int)channels.end);
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
  if (groups > 1) {
    addUp(grads.B, sums, 2 * tokens, groups, tokens);
    addUp(grads.C, sums + tokens, 2 * tokens, groups, tokens);
  }
  addUp(grads.A, rows, shared, s.B, (int64_t)s.E * s.N);
  addUp(grads.D, rows + (int64_t)s.E * s.N, shared, s.B, s.E);
  addUp(grads.deltaBias, rows + (int64_t)s.E * (s.N + 1), shared, s.B, s.E);
}

static void deriveFor(int chunk, Sizes& sizes) {
  sizes.set("S", (sizes["L"] + chunk - 1) / chunk);
  sizes.set("chunk", chunk);
}

void implementSelectiveScan(Operator& op) {
  op.derive = [](Sizes& sizes, const Values&) { deriveFor(kChunk, sizes); };
  op.cudaDerive = [](Sizes& sizes, const Values&) { deriveFor(kCudaChunk, sizes); };
  op.forward = [](Call& call) { call.size("N") == 16 ? forwardOf<16>(call) : forwardOf<0>(call); };
  op.backward = [](Call& call) { call.size("N") == 16 ? backwardOf<16>(call) : backwardOf<0>(call); };
}

}  // namespace bmojo
