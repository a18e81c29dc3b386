#include "native/cuda/harness/workloads.h"

#include <algorithm>

#include "native/cuda/kernels.h"

namespace bmojo::cuda::harness {

namespace {

std::string sized(const char* op, std::initializer_list<std::pair<const char*, int>> sizes) {
  std::string name = op;
  for (const auto& [letter, size] : sizes) name += std::string(" ") + letter + std::to_string(size);
  return name;
}

// Tokens between the scan's saved states, as in selective-scan/definition.ts.
constexpr int kChunk = 16;

Workload scan(int B, int L, int E, int N, bool gated) {
  const size_t tokens = static_cast<size_t>(B) * L * E, states = static_cast<size_t>(B) * L * N;
  const size_t channels = static_cast<size_t>(B) * E * N, chunks = channels * ((L + kChunk - 1) / kChunk);
  const std::string z = gated ? "z" : "";
  const std::vector<double> scalars = {double(B), double(L), double(E), double(N), double(kChunk), 1};
  std::vector<Tensor> tensors = {
      {"u", tokens, normal()},         {"delta", tokens, normal(-1)},     {"A", size_t(E) * N, uniform(-3.2f, -0.2f)},
      {"B", states, normal()},         {"C", states, normal()},           {"D", size_t(E), normal()},
      {"deltaBias", size_t(E), normal(-1)}, {"y", tokens, unwritten()},   {"finalState", channels, unwritten()},
      {"chunkStates", chunks, unwritten()}, {"gradY", tokens, normal()},  {"gradFinalState", channels, normal()},
      {"gradU", tokens, unwritten()},  {"gradDelta", tokens, unwritten()}, {"gradA", size_t(E) * N, unwritten()},
      {"gradB", states, unwritten()},  {"gradC", states, unwritten()},    {"gradD", size_t(E), unwritten()},
      {"gradDeltaBias", size_t(E), unwritten()}};
  if (gated) tensors.insert(tensors.end(), {{"z", tokens, normal()}, {"gradZ", tokens, unwritten()}});
  const double wide = 4.0 * tokens, small = 8.0 * states, saved = 4.0 * chunks;
  Workload w = {sized(gated ? "selectiveScan" : "selectiveScan without z", {{"B", B}, {"L", L}, {"E", E}, {"N", N}}),
                tensors,
                {{"forward", "selective_scan_forward", {"u", "delta", "A", "B", "C", "D", z, "deltaBias", ""},
                  {"y", "finalState", "chunkStates"}, scalars, (gated ? 4 : 3) * wide + small + saved, 0, N <= 16 ? kScanForwardVariants : 1},
                 {"backward", "selective_scan_backward",
                  {"u", "delta", "A", "B", "C", "D", z, "deltaBias", "", "chunkStates", "gradY", "gradFinalState"},
                  {"gradU", "gradDelta", "gradA", "gradB", "gradC", "gradD", gated ? "gradZ" : "", "gradDeltaBias", ""},
                  scalars, (gated ? 7 : 5) * wide + 2 * small + saved, 0, N <= 16 ? kScanBackwardVariants : 1}},
                gated ? "scan" : "",
                {{"B", B}, {"L", L}, {"E", E}, {"N", N}}};
  return w;
}

// Whole sequences, sliding fading; stored positions by our own selection of random scores.
Workload attention(int B, int L, int H, int Dh, int window, int me) {
  const size_t rows = static_cast<size_t>(B) * L * H * Dh, heads = static_cast<size_t>(B) * L * H;
  const int C = (L + window - 1) / window;
  const size_t slots = static_cast<size_t>(B) * C * me;
  const std::vector<double> scalars = {double(B),  double(L), double(L), double(H), double(H), double(Dh), double(C),
                                       double(me), double(window), 1, 0, 0, 0, 0};
  // Keys that the queries see: both windows, cut at the start, and the stored rows.
  double seen = 0;
  for (int t = 0; t < L; t++) {
    seen += std::min(t + 1, window) + std::max(0, std::min(t + 1 - window, window));
    seen += std::min(me, std::max(0, t / window - 1) * window);
  }
  const double flops = 4.0 * B * H * Dh * seen, wide = 4.0 * rows;
  const std::vector<double> select = {double(B), double(L), double(C), double(me), double(window), 0, 0, 0};
  return {sized("memoryAttention", {{"B", B}, {"L", L}, {"H", H}, {"Dh", Dh}, {"w", window}, {"me", me}}),
          {{"q", rows, normal()}, {"k", rows, normal()}, {"v", rows, normal()}, {"kFading", rows, normal()},
           {"vFading", rows, normal()}, {"scores", static_cast<size_t>(B) * L, uniform(0, 1)},
           {"positions", slots, unwritten()}, {"out", rows, unwritten()}, {"logSumExp", heads, unwritten()},
           {"gradOut", rows, normal()}, {"gradQ", rows, unwritten()}, {"gradK", rows, unwritten()},
           {"gradV", rows, unwritten()}, {"gradKFading", rows, unwritten()}, {"gradVFading", rows, unwritten()}},
          {{"selection", "innovation_select", {"scores"}, {"positions"}, select, 4.0 * (double(B) * L + slots), 0},
           {"forward", "memory_attention_forward", {"q", "k", "v", "kFading", "vFading", "positions"},
            {"out", "logSumExp"}, scalars, 6 * wide, flops, Dh == 64 ? 3 : 1, true},
           {"backward", "memory_attention_backward",
            {"q", "k", "v", "kFading", "vFading", "positions", "out", "logSumExp", "gradOut"},
            {"gradQ", "gradK", "gradV", "gradKFading", "gradVFading"}, scalars, 12 * wide, 2.5 * flops, 1, true}},
          "attention",
          {{"B", B}, {"L", L}, {"H", H}, {"Dh", Dh}, {"w", window}, {"me", me}, {"C", C}}};
}

Workload conv(int B, int L, int E, int K) {
  const size_t n = static_cast<size_t>(B) * L * E, state = static_cast<size_t>(B) * (K - 1) * E, taps = size_t(K) * E;
  const std::vector<double> scalars = {double(B), double(L), double(E), double(K), 1};
  return {sized("causalConv1d", {{"B", B}, {"L", L}, {"E", E}, {"K", K}}),
          {{"x", n, normal()}, {"weight", taps, normal()}, {"bias", size_t(E), normal()}, {"y", n, unwritten()},
           {"finalState", state, unwritten()}, {"gradY", n, normal()}, {"gradFinalState", state, normal()},
           {"gradX", n, unwritten()}, {"gradWeight", taps, unwritten()}, {"gradBias", size_t(E), unwritten()}},
          {{"forward", "causal_conv1d_forward", {"x", "weight", "bias", ""}, {"y", "finalState"}, scalars, 8.0 * n, 0},
           {"backward", "causal_conv1d_backward", {"x", "weight", "bias", "", "gradY", "gradFinalState"},
            {"gradX", "gradWeight", "gradBias", ""}, scalars, 12.0 * n, 0}},
          "",
          {}};
}

Workload norm(int rows, int D) {
  const size_t n = static_cast<size_t>(rows) * D;
  const std::vector<double> scalars = {double(rows), double(D), 1e-5};
  return {sized("rmsNorm", {{"R", rows}, {"D", D}}),
          {{"x", n, normal()}, {"gain", size_t(D), normal()}, {"y", n, unwritten()}, {"inverseRms", size_t(rows), unwritten()},
           {"gradY", n, normal()}, {"gradX", n, unwritten()}, {"gradGain", size_t(D), unwritten()}},
          {{"forward", "rms_norm_forward", {"x", "gain"}, {"y", "inverseRms"}, scalars, 8.0 * n, 0},
           {"backward", "rms_norm_backward", {"x", "gain", "inverseRms", "gradY"}, {"gradX", "gradGain"}, scalars,
            12.0 * n, 0}},
          "",
          {}};
}

Workload entropy(int R, int V) {
  const size_t n = static_cast<size_t>(R) * V;
  const std::vector<double> scalars = {double(R), double(V), -100};
  return {sized("crossEntropy", {{"R", R}, {"V", V}}),
          {{"logits", n, normal()}, {"labels", size_t(R), integers(0, V)}, {"losses", size_t(R), unwritten()},
           {"logSumExp", size_t(R), unwritten()}, {"gradLosses", size_t(R), normal()}, {"gradLogits", n, unwritten()}},
          {{"forward", "cross_entropy_forward", {"logits", "labels"}, {"losses", "logSumExp"}, scalars, 4.0 * n, 0},
           {"backward", "cross_entropy_backward", {"logits", "labels", "logSumExp", "gradLosses"}, {"gradLogits"},
            scalars, 8.0 * n, 0}},
          "",
          {}};
}

Workload embedding(int tokens, int V, int D) {
  const size_t n = static_cast<size_t>(tokens) * D, table = static_cast<size_t>(V) * D;
  return {sized("embeddingLookup", {{"R", tokens}, {"V", V}, {"D", D}}),
          {{"table", table, normal()}, {"ids", size_t(tokens), integers(0, V)}, {"y", n, unwritten()},
           {"gradY", n, normal()}, {"gradTable", table, unwritten()}},
          {{"forward", "embedding_lookup_forward", {"table", "ids"}, {"y"}, {double(tokens), double(D)}, 8.0 * n, 0},
           {"backward", "embedding_lookup_backward", {"table", "ids", "gradY"}, {"gradTable"},
            {double(tokens), double(V), double(D)}, 4.0 * (n + table), 0}},
          "",
          {}};
}

Workload adam(size_t n) {
  return {sized("adamW", {{"n", static_cast<int>(n)}}),
          {{"parameter", n, normal()}, {"gradient", n, normal()}, {"firstMoment", n, normal()},
           {"secondMoment", n, uniform(0, 1)}},
          {{"step", "adam_w", {"parameter", "gradient", "firstMoment", "secondMoment", ""}, {},
            {double(n), 0.9, 0.1, 0.95, 0.05, 1e-8, 0.9999, 1e-3, 1.0}, 28.0 * n, 0}},
          "",
          {}};
}

Workload rotary(int B, int L, int H, int Dh) {
  const size_t n = static_cast<size_t>(B) * L * H * Dh;
  return {sized("rotaryEmbedding", {{"B", B}, {"L", L}, {"H", H}, {"Dh", Dh}}),
          {{"x", n, normal()}, {"cosSin", static_cast<size_t>(L) * Dh, uniform(-1, 1)}, {"y", n, unwritten()}},
          {{"forward", "rotary_embedding_forward", {"x", "cosSin"}, {"y"},
            {double(B) * L, double(L), double(H), double(Dh)}, 8.0 * n, 0}},
          "",
          {}};
}

Workload gated(int rows, int E) {
  const size_t n = static_cast<size_t>(rows) * E;
  return {sized("swiglu", {{"R", rows}, {"E", E}}),
          {{"gate", n, normal()}, {"up", n, normal()}, {"y", n, unwritten()}, {"gradY", n, normal()},
           {"gradGate", n, unwritten()}, {"gradUp", n, unwritten()}},
          {{"forward", "swiglu_forward", {"gate", "up"}, {"y"}, {double(n)}, 12.0 * n, 0},
           {"backward", "swiglu_backward", {"gate", "up", "gradY"}, {"gradGate", "gradUp"}, {double(n)}, 20.0 * n, 0}},
          "",
          {}};
}

Workload innovation(int B, int L, int D) {
  const size_t n = static_cast<size_t>(B) * L * D;
  return {sized("innovationScores", {{"B", B}, {"L", L}, {"D", D}}),
          {{"y", n, normal()}, {"scores", static_cast<size_t>(B) * L, unwritten()}},
          {{"forward", "innovation_scores", {"y"}, {"scores"}, {double(B), double(L), double(D), 4}, 4.0 * n, 0}},
          "",
          {}};
}

}  // namespace

std::vector<Workload> workloads() {
  return {scan(8, 2048, 2048, 16, true),
          scan(8, 2048, 2048, 16, false),
          scan(128, 256, 128, 16, true),
          scan(1, 32768, 1536, 16, true),
          attention(4, 8192, 16, 64, 512, 64),
          attention(1, 32768, 16, 64, 512, 64),
          attention(128, 256, 2, 32, 32, 32),
          conv(8, 2048, 2048, 4),
          innovation(4, 8192, 1024),
          norm(16384, 1024),
          entropy(16384, 32000),
          entropy(32768, 512),
          embedding(16384, 32000, 1024),
          embedding(32768, 512, 64),
          adam(size_t{1} << 26),
          rotary(4, 8192, 16, 64),
          gated(16384, 2816)};
}

std::vector<Workload> smallWorkloads() {
  return {scan(2, 100, 70, 16, true), scan(1, 70, 8, 16, false), attention(2, 100, 2, 32, 16, 6), conv(2, 70, 8, 4),
          innovation(2, 20, 8),       norm(20, 64),              entropy(20, 40),                 embedding(50, 20, 16),
          adam(256),                  rotary(2, 10, 2, 8),       gated(20, 16)};
}

Prepared::Prepared(const Workload& workload) {
  uint32_t seed = 1;
  for (const Tensor& tensor : workload.tensors) {
    auto buffer = std::make_unique<Buffer>(tensor.count * 4);
    check(fillDevice(buffer->data(), tensor.count, tensor.fill, seed++), "fill of " + tensor.name);
    tensors_[tensor.name] = std::move(buffer);
  }
  size_t most = 0;
  for (const Direction& direction : workload.directions) {
    std::vector<const void*> inputs;
    for (const std::string& name : direction.inputs) inputs.push_back(name.empty() ? nullptr : at(name).data());
    Call call;
    call.inputs = inputs.data();
    call.scalars = direction.scalars.data();
    for (call.variant = 0; call.variant < direction.variants; call.variant++) {
      most = std::max(most, findKernel(direction.symbol.c_str())->workspaceBytes(call));
    }
  }
  workspace_ = std::make_unique<Buffer>(most);
}

cudaError_t Prepared::launch(const Direction& direction, Precision precision, int variant) const {
  std::vector<const void*> inputs;
  std::vector<void*> outputs;
  for (const std::string& name : direction.inputs) inputs.push_back(name.empty() ? nullptr : at(name).data());
  for (const std::string& name : direction.outputs) outputs.push_back(name.empty() ? nullptr : at(name).data());
  Call call;
  call.inputs = inputs.data();
  call.outputs = outputs.data();
  call.workspace = workspace_->data();
  call.scalars = direction.scalars.data();
  call.precision = precision;
  call.variant = variant;
  return findKernel(direction.symbol.c_str())->launch(call);
}

std::vector<float> Prepared::floats(const std::string& name) const {
  const std::vector<uint32_t> bits = at(name).download();
  std::vector<float> values(bits.size());
  std::memcpy(values.data(), bits.data(), bits.size() * 4);
  return values;
}

std::vector<int> Prepared::ints(const std::string& name) const {
  const std::vector<uint32_t> bits = at(name).download();
  return {bits.begin(), bits.end()};
}

}  // namespace bmojo::cuda::harness
