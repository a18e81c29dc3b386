// The sizes at which the CUDA harness times this op, and samples of its results in float64.
#include <cmath>

#include "native/cuda/harness/spot-checks.h"

namespace bmojo::cuda::harness {

namespace {

// Tokens between saved states, as in definition.ts.
constexpr int kChunk = 16;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

std::vector<SampleError> checkScan(const Workload& w, const Prepared& prepared) {
  const int B = w.sizes.at("B"), L = w.sizes.at("L"), E = w.sizes.at("E"), N = w.sizes.at("N");
  const auto get = [&](const char* name) { return prepared.floats(name); };
  const auto u = get("u"), delta = get("delta"), A = get("A"), writes = get("B"), reads = get("C"), D = get("D");
  const auto z = get("z"), bias = get("deltaBias"), y = get("y"), finalState = get("finalState"), gradY = get("gradY");
  const auto gradFinal = get("gradFinalState"), gradU = get("gradU"), gradDelta = get("gradDelta");
  const auto gradZ = get("gradZ"), gradA = get("gradA");
  Sum sumY, sumFinal, sumU, sumDelta, sumZ, sumA;
  std::vector<double> states(static_cast<size_t>(L + 1) * N), steps(L), rateSums(N), grad(N);
  for (const int e : {0, E / 3, E - 1}) {
    rateSums.assign(N, 0);
    for (int b = 0; b < B; b++) {
      std::fill(states.begin(), states.begin() + N, 0);
      for (int t = 0; t < L; t++) {
        const size_t at = (static_cast<size_t>(b) * L + t) * E + e, row = (static_cast<size_t>(b) * L + t) * N;
        const double raw = static_cast<double>(delta[at]) + bias[e];
        steps[t] = std::log1p(std::exp(-std::fabs(raw))) + std::fmax(raw, 0);
        double sum = static_cast<double>(D[e]) * u[at];
        for (int n = 0; n < N; n++) {
          double& next = states[static_cast<size_t>(t + 1) * N + n];
          next = std::exp(steps[t] * A[e * N + n]) * states[static_cast<size_t>(t) * N + n] +
                 steps[t] * writes[row + n] * u[at];
          sum += next * reads[row + n];
        }
        sumY.add(y[at], sum * z[at] * sigmoid(z[at]));
      }
      const size_t own = (static_cast<size_t>(b) * E + e) * N;
      for (int n = 0; n < N; n++) {
        sumFinal.add(finalState[own + n], states[static_cast<size_t>(L) * N + n]);
        grad[n] = gradFinal[own + n];
      }
      for (int t = L - 1; t >= 0; t--) {
        const size_t at = (static_cast<size_t>(b) * L + t) * E + e, row = (static_cast<size_t>(b) * L + t) * N;
        const double gate = sigmoid(z[at]), gradSum = gradY[at] * z[at] * gate;
        double output = static_cast<double>(D[e]) * u[at], gradInput = 0, gradStep = 0;
        for (int n = 0; n < N; n++) {
          const double before = states[static_cast<size_t>(t) * N + n], a = A[e * N + n];
          output += states[static_cast<size_t>(t + 1) * N + n] * reads[row + n];
          const double g = grad[n] + gradSum * reads[row + n], decay = std::exp(steps[t] * a);
          gradStep += g * (decay * before * a + writes[row + n] * static_cast<double>(u[at]));
          rateSums[n] += g * decay * before * steps[t];
          gradInput += g * steps[t] * writes[row + n];
          grad[n] = g * decay;
        }
        sumZ.add(gradZ[at], gradY[at] * output * gate * (1 + z[at] * (1 - gate)));
        sumU.add(gradU[at], gradInput + gradSum * D[e]);
        sumDelta.add(gradDelta[at], gradStep * sigmoid(static_cast<double>(delta[at]) + bias[e]));
      }
    }
    for (int n = 0; n < N; n++) sumA.add(gradA[e * N + n], rateSums[n]);
  }
  return {{"y", sumY.error(), kForward},         {"finalState", sumFinal.error(), kForward},
          {"gradU", sumU.error(), kGradient},    {"gradDelta", sumDelta.error(), kGradient},
          {"gradZ", sumZ.error(), kGradient},    {"gradA", sumA.error(), kGradient}};
}

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
  const bool isNarrow = N <= 16;
  const double wide = 4.0 * tokens, small = 8.0 * states, saved = 4.0 * chunks;
  Workload w = {sized(gated ? "selectiveScan" : "selectiveScan without z", {{"B", B}, {"L", L}, {"E", E}, {"N", N}}),
                tensors,
                {{"forward", "selective_scan_forward", {"u", "delta", "A", "B", "C", "D", z, "deltaBias", ""},
                  {"y", "finalState", "chunkStates"}, scalars, (gated ? 4 : 3) * wide + small + saved, 0,
                  isNarrow ? variantsOf("selective_scan_forward") : 1},
                 {"backward", "selective_scan_backward",
                  {"u", "delta", "A", "B", "C", "D", z, "deltaBias", "", "chunkStates", "gradY", "gradFinalState"},
                  {"gradU", "gradDelta", "gradA", "gradB", "gradC", "gradD", gated ? "gradZ" : "", "gradDeltaBias", ""},
                  scalars, (gated ? 7 : 5) * wide + 2 * small + saved, 0,
                  isNarrow ? variantsOf("selective_scan_backward") : 1}},
                gated ? checkScan : nullptr,
                {{"B", B}, {"L", L}, {"E", E}, {"N", N}}};
  return w;
}

}  // namespace

std::vector<Workload> selectiveScanWorkloads(Extent extent) {
  if (extent == Extent::small) return {scan(2, 100, 70, 16, true), scan(1, 70, 8, 16, false)};
  return {scan(8, 2048, 2048, 16, true),
          scan(8, 2048, 2048, 16, false),
          scan(128, 256, 128, 16, true),
          scan(1, 32768, 1536, 16, true)};
}

}  // namespace bmojo::cuda::harness
