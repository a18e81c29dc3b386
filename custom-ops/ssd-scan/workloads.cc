// The sizes at which the CUDA harness times this op, and samples of its results in float64.
#include <algorithm>
#include <cmath>

#include "native/cuda/harness/spot-checks.h"

namespace bmojo::cuda::harness {

namespace {

// Tokens of a chunk, chunkOf in attributes.ts.
constexpr int kChunk = 64;
constexpr double kNoMost = 3.40282346638528859812e38;

// Samples token by token: whole heads with the gradients that are theirs alone, and what heads share of two tokens.
class ScanSamples {
 public:
  ScanSamples(const Workload& w, const Prepared& prepared)
      : B(w.sizes.at("B")), L(w.sizes.at("L")), H(w.sizes.at("H")), P(w.sizes.at("P")), N(w.sizes.at("N")),
        x(prepared.floats("x")), delta(prepared.floats("delta")), A(prepared.floats("A")), writes(prepared.floats("B")),
        reads(prepared.floats("C")), D(prepared.floats("D")), bias(prepared.floats("deltaBias")), y(prepared.floats("y")),
        finalState(prepared.floats("finalState")), gradY(prepared.floats("gradY")),
        gradFinal(prepared.floats("gradFinalState")), gradX(prepared.floats("gradX")),
        gradDelta(prepared.floats("gradDelta")), gradA(prepared.floats("gradA")), gradB(prepared.floats("gradB")),
        gradC(prepared.floats("gradC")), gradD(prepared.floats("gradD")), gradBias(prepared.floats("gradDeltaBias")) {}

  void checkHead(int h) {
    double rate = 0, skip = 0, offset = 0;
    for (int b = 0; b < B; b++) {
      std::vector<double> gradSteps(L, 0), gradLogs(L, 0);
      // Channels do not meet but in the gradient of the step sizes.
      for (int p = 0; p < P; p++) checkChannel(b, h, p, gradSteps, gradLogs, skip);
      for (int t = 0; t < L; t++) {
        const double raw = static_cast<double>(delta[at(b, t, h)]) + bias[h], step = stepOf(raw);
        const double gradRaw = (gradSteps[t] + gradLogs[t] * A[h]) / (1 + std::exp(-raw));
        deltaSum.add(gradDelta[at(b, t, h)], gradRaw);
        rate += gradLogs[t] * step, offset += gradRaw;
      }
    }
    rateSum.add(gradA[h], rate), skipSum.add(gradD[h], skip), biasSum.add(gradBias[h], offset);
  }

  // What heads share: gradC of a token near the begin and gradB of one near the end of the first row.
  void checkShared(int tokens) {
    std::vector<double> state(N), expected(N, 0);
    for (int i = 0; i < H * P; i++) {
      std::fill(state.begin(), state.end(), 0);
      for (int t = 0; t < tokens; t++) {
        const double step = stepAt(t, i / P), decay = std::exp(step * A[i / P]), input = step * x[at(0, t, 0) * P + i];
        for (int n = 0; n < N; n++) state[n] = decay * state[n] + input * writes[static_cast<size_t>(t) * N + n];
      }
      for (int n = 0; n < N; n++) expected[n] += state[n] * gradY[at(0, tokens - 1, 0) * P + i];
    }
    for (int n = 0; n < N; n++) readSum.add(gradC[static_cast<size_t>(tokens - 1) * N + n], expected[n]);
    expected.assign(N, 0);
    const int first = L - tokens;
    for (int i = 0; i < H * P; i++) {
      for (int n = 0; n < N; n++) state[n] = gradFinal[static_cast<size_t>(i) * N + n];
      for (int t = L - 1; t >= first; t--) {
        const double decay = t == L - 1 ? 1 : std::exp(stepAt(t + 1, i / P) * A[i / P]), own = gradY[at(0, t, 0) * P + i];
        for (int n = 0; n < N; n++) state[n] = decay * state[n] + own * reads[static_cast<size_t>(t) * N + n];
      }
      const double input = stepAt(first, i / P) * x[at(0, first, 0) * P + i];
      for (int n = 0; n < N; n++) expected[n] += input * state[n];
    }
    for (int n = 0; n < N; n++) writeSum.add(gradB[static_cast<size_t>(first) * N + n], expected[n]);
  }

  std::vector<SampleError> errors() const {
    return {{"y", ySum.error(), kForward},           {"finalState", finalSum.error(), kForward},
            {"gradX", xSum.error(), kGradient},      {"gradDelta", deltaSum.error(), kGradient},
            {"gradA", rateSum.error(), kGradient},   {"gradD", skipSum.error(), kGradient},
            {"gradDeltaBias", biasSum.error(), kGradient}, {"gradB", writeSum.error(), kGradient},
            {"gradC", readSum.error(), kGradient}};
  }

 private:
  size_t at(int b, int t, int h) const { return (static_cast<size_t>(b) * L + t) * H + h; }
  // Of the first batch row.
  double stepAt(int t, int h) const { return stepOf(static_cast<double>(delta[at(0, t, h)]) + bias[h]); }
  static double stepOf(double raw) { return std::log1p(std::exp(-std::fabs(raw))) + std::fmax(raw, 0); }

  void checkChannel(int b, int h, int p, std::vector<double>& gradSteps, std::vector<double>& gradLogs, double& skip) {
    std::vector<double> states(static_cast<size_t>(L + 1) * N, 0), grad(N);
    for (int t = 0; t < L; t++) {
      const size_t own = at(b, t, h) * P + p, row = (static_cast<size_t>(b) * L + t) * N;
      const double step = stepOf(static_cast<double>(delta[at(b, t, h)]) + bias[h]), decay = std::exp(step * A[h]);
      double sum = static_cast<double>(D[h]) * x[own];
      for (int n = 0; n < N; n++) {
        double& next = states[static_cast<size_t>(t + 1) * N + n];
        next = decay * states[static_cast<size_t>(t) * N + n] + step * x[own] * writes[row + n];
        sum += next * reads[row + n];
      }
      ySum.add(y[own], sum);
    }
    const size_t last = ((static_cast<size_t>(b) * H + h) * P + p) * N;
    for (int n = 0; n < N; n++) {
      finalSum.add(finalState[last + n], states[static_cast<size_t>(L) * N + n]);
      grad[n] = gradFinal[last + n];
    }
    for (int t = L - 1; t >= 0; t--) {
      const size_t own = at(b, t, h) * P + p, row = (static_cast<size_t>(b) * L + t) * N;
      const double step = stepOf(static_cast<double>(delta[at(b, t, h)]) + bias[h]), decay = std::exp(step * A[h]);
      double gradInput = static_cast<double>(D[h]) * gradY[own];
      skip += static_cast<double>(gradY[own]) * x[own];
      for (int n = 0; n < N; n++) {
        const double g = grad[n] + static_cast<double>(gradY[own]) * reads[row + n];
        gradLogs[t] += g * decay * states[static_cast<size_t>(t) * N + n];
        gradSteps[t] += g * x[own] * writes[row + n];
        gradInput += g * step * writes[row + n];
        grad[n] = g * decay;
      }
      xSum.add(gradX[own], gradInput);
    }
  }

  const int B, L, H, P, N;
  const std::vector<float> x, delta, A, writes, reads, D, bias, y, finalState, gradY, gradFinal, gradX, gradDelta, gradA,
      gradB, gradC, gradD, gradBias;
  Sum ySum, finalSum, xSum, deltaSum, rateSum, skipSum, biasSum, writeSum, readSum;
};

std::vector<SampleError> checkScan(const Workload& w, const Prepared& prepared) {
  ScanSamples samples(w, prepared);
  const int H = w.sizes.at("H");
  samples.checkHead(0);
  samples.checkHead(H - 1);
  samples.checkShared(std::min(w.sizes.at("L"), 70));
  return samples.errors();
}

// One group; no initial state.
Workload scan(int B, int L, int H, int P, int N) {
  const size_t tokens = static_cast<size_t>(B) * L, rows = tokens * H * P, shared = tokens * N;
  const size_t states = static_cast<size_t>(B) * H * P * N, saved = states * ((L + kChunk - 1) / kChunk);
  const std::vector<double> scalars = {double(B), double(L), double(H), double(P), 1, double(N), kChunk, 0, kNoMost};
  const std::vector<Tensor> tensors = {
      {"x", rows, normal()},         {"delta", tokens * H, normal(-1)},     {"A", size_t(H), uniform(-3.2f, -0.2f)},
      {"B", shared, normal()},       {"C", shared, normal()},               {"D", size_t(H), normal()},
      {"deltaBias", size_t(H), normal(-1)}, {"y", rows, unwritten()},       {"finalState", states, unwritten()},
      {"chunkStates", saved, unwritten()},  {"gradY", rows, normal()},      {"gradFinalState", states, normal()},
      {"gradX", rows, unwritten()},  {"gradDelta", tokens * H, unwritten()}, {"gradA", size_t(H), unwritten()},
      {"gradB", shared, unwritten()}, {"gradC", shared, unwritten()},       {"gradD", size_t(H), unwritten()},
      {"gradDeltaBias", size_t(H), unwritten()}};
  // Multiply-adds as the README counts them, and each tensor once.
  const double heads = double(tokens) * H, forward = 2 * heads * (2.0 * N * P + kChunk * P) + 2.0 * tokens * kChunk * N;
  const double bytes = 4.0 * (2.0 * rows + 2.0 * shared + saved);
  return {sized("ssdScan", {{"B", B}, {"L", L}, {"H", H}, {"P", P}, {"N", N}}),
          tensors,
          {{"forward", "ssd_scan_forward", {"x", "delta", "A", "B", "C", "D", "deltaBias", ""},
            {"y", "finalState", "chunkStates"}, scalars, bytes, forward, 1, 2},
           {"backward", "ssd_scan_backward",
            {"x", "delta", "A", "B", "C", "D", "deltaBias", "", "chunkStates", "gradY", "gradFinalState"},
            {"gradX", "gradDelta", "gradA", "gradB", "gradC", "gradD", "gradDeltaBias", ""}, scalars,
            bytes + 4.0 * (rows + 2.0 * shared), 2 * forward + 2.0 * tokens * kChunk * N,
            variantsOf("ssd_scan_backward"), 2}},
          checkScan,
          {{"B", B}, {"L", L}, {"H", H}, {"P", P}, {"N", N}}};
}

}  // namespace

std::vector<Workload> ssdScanWorkloads(Extent extent) {
  if (extent == Extent::small) return {scan(2, 70, 2, 20, 12)};
  return {scan(8, 2048, 32, 64, 128), scan(2, 512, 4, 64, 128)};
}

}  // namespace bmojo::cuda::harness
