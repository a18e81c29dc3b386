#include "native/cuda/harness/spot-checks.h"

#include <cmath>

namespace bmojo::cuda::harness {

namespace {

constexpr double kForward = 1e-5, kGradient = 1e-4;

struct Sum {
  double difference = 0, reference = 0;
  void add(double actual, double expected) {
    difference += (actual - expected) * (actual - expected);
    reference += expected * expected;
  }
  double error() const { return std::sqrt(difference / reference); }
};

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

// Sliding fading, whole sequences, as many key heads as query heads.
class AttentionSamples {
 public:
  AttentionSamples(const Workload& w, const Prepared& prepared)
      : L(w.sizes.at("L")), H(w.sizes.at("H")), Dh(w.sizes.at("Dh")), window(w.sizes.at("w")), me(w.sizes.at("me")),
        C(w.sizes.at("C")), q(prepared.floats("q")), k(prepared.floats("k")), v(prepared.floats("v")),
        kFading(prepared.floats("kFading")), vFading(prepared.floats("vFading")), out(prepared.floats("out")),
        logSumExp(prepared.floats("logSumExp")), gradOut(prepared.floats("gradOut")), gradQ(prepared.floats("gradQ")),
        gradK(prepared.floats("gradK")), gradV(prepared.floats("gradV")), gradKFading(prepared.floats("gradKFading")),
        gradVFading(prepared.floats("gradVFading")), positions(prepared.ints("positions")) {}

  void checkQuery(int b, int h, int i) {
    struct Key {
      const float *k, *v;
    };
    std::vector<Key> keys;
    for (int row = std::max(0, i - window + 1); row <= i; row++) keys.push_back({k.data() + at(b, row, h), v.data() + at(b, row, h)});
    for (int row = std::max(0, i - 2 * window + 1); row <= i - window; row++) {
      keys.push_back({kFading.data() + at(b, row, h), vFading.data() + at(b, row, h)});
    }
    for (int slot = 0; slot < me; slot++) {
      const int row = positions[(static_cast<size_t>(b) * C + i / window) * me + slot];
      if (row >= 0) keys.push_back({k.data() + at(b, row, h), v.data() + at(b, row, h)});
    }
    const size_t own = at(b, i, h);
    std::vector<double> weights;
    double peak = -1e300, total = 0;
    for (const Key& key : keys) weights.push_back(scale() * dot(q.data() + own, key.k)), peak = std::fmax(peak, weights.back());
    for (double weight : weights) total += std::exp(weight - peak);
    std::vector<double> result(Dh, 0), gradient(Dh, 0);
    for (size_t j = 0; j < keys.size(); j++) {
      weights[j] = std::exp(weights[j] - peak) / total;
      for (int d = 0; d < Dh; d++) result[d] += weights[j] * keys[j].v[d];
    }
    double mean = 0;
    for (int d = 0; d < Dh; d++) mean += result[d] * gradOut[own + d];
    for (size_t j = 0; j < keys.size(); j++) {
      const double g = weights[j] * (dot(gradOut.data() + own, keys[j].v) - mean) * scale();
      for (int d = 0; d < Dh; d++) gradient[d] += g * keys[j].k[d];
    }
    for (int d = 0; d < Dh; d++) outSum.add(out[own + d], result[d]), querySum.add(gradQ[own + d], gradient[d]);
    levelSum.add(logSumExp[(static_cast<size_t>(b) * L + i) * H + h], peak + std::log(total));
  }

  // With the softmax's normalisers as the forward pass gave them.
  void checkRow(int b, int h, int row) {
    const size_t own = at(b, row, h);
    std::vector<double> gradKey(Dh, 0), gradValue(Dh, 0);
    for (int i = row; i < std::min(L, row + window); i++) addSeer(b, h, i, k.data() + own, v.data() + own, gradKey, gradValue);
    for (int chunk = 0; chunk < C; chunk++) {
      for (int slot = 0; slot < me; slot++) {
        if (positions[(static_cast<size_t>(b) * C + chunk) * me + slot] != row) continue;
        for (int i = chunk * window; i < std::min(L, (chunk + 1) * window); i++) {
          addSeer(b, h, i, k.data() + own, v.data() + own, gradKey, gradValue);
        }
      }
    }
    for (int d = 0; d < Dh; d++) keySum.add(gradK[own + d], gradKey[d]), valueSum.add(gradV[own + d], gradValue[d]);
    gradKey.assign(Dh, 0), gradValue.assign(Dh, 0);
    for (int i = row + window; i < std::min(L, row + 2 * window); i++) {
      addSeer(b, h, i, kFading.data() + own, vFading.data() + own, gradKey, gradValue);
    }
    if (row + window >= L) return;
    for (int d = 0; d < Dh; d++) {
      fadingKeySum.add(gradKFading[own + d], gradKey[d]);
      fadingValueSum.add(gradVFading[own + d], gradValue[d]);
    }
  }

  int storedRow(int b) const { return positions[(static_cast<size_t>(b) * C + C - 1) * me]; }

  std::vector<SampleError> errors() const {
    return {{"out", outSum.error(), kForward},        {"logSumExp", levelSum.error(), kForward},
            {"gradQ", querySum.error(), kGradient},   {"gradK", keySum.error(), kGradient},
            {"gradV", valueSum.error(), kGradient},   {"gradKFading", fadingKeySum.error(), kGradient},
            {"gradVFading", fadingValueSum.error(), kGradient}};
  }

 private:
  size_t at(int b, int row, int h) const { return ((static_cast<size_t>(b) * L + row) * H + h) * Dh; }
  double scale() const { return 1 / std::sqrt(static_cast<double>(Dh)); }
  double dot(const float* a, const float* b) const {
    double sum = 0;
    for (int d = 0; d < Dh; d++) sum += static_cast<double>(a[d]) * b[d];
    return sum;
  }
  void addSeer(int b, int h, int i, const float* key, const float* value, std::vector<double>& gradKey,
               std::vector<double>& gradValue) const {
    const size_t own = at(b, i, h);
    const double weight = std::exp(scale() * dot(q.data() + own, key) - logSumExp[(static_cast<size_t>(b) * L + i) * H + h]);
    const double mean = dot(out.data() + own, gradOut.data() + own);
    const double g = weight * (dot(gradOut.data() + own, value) - mean) * scale();
    for (int d = 0; d < Dh; d++) {
      gradKey[d] += g * q[own + d];
      gradValue[d] += weight * gradOut[own + d];
    }
  }

  const int L, H, Dh, window, me, C;
  const std::vector<float> q, k, v, kFading, vFading, out, logSumExp, gradOut, gradQ, gradK, gradV, gradKFading,
      gradVFading;
  const std::vector<int> positions;
  Sum outSum, levelSum, querySum, keySum, valueSum, fadingKeySum, fadingValueSum;
};

std::vector<SampleError> checkAttention(const Workload& w, const Prepared& prepared) {
  AttentionSamples samples(w, prepared);
  const int B = w.sizes.at("B"), L = w.sizes.at("L"), H = w.sizes.at("H");
  for (int i = 0; i < 40; i++) {
    const int b = i % B, h = i * 7 % H, row = static_cast<int>(static_cast<int64_t>(L - 1) * i / 39);
    samples.checkQuery(b, h, row);
    samples.checkRow(b, h, row);
    samples.checkRow(b, h, samples.storedRow(b));
  }
  return samples.errors();
}

}  // namespace

std::vector<SampleError> checkSamples(const Workload& workload, const Prepared& prepared) {
  if (workload.check == "scan") return checkScan(workload, prepared);
  if (workload.check == "attention") return checkAttention(workload, prepared);
  return {};
}

}  // namespace bmojo::cuda::harness
