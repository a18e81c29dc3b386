// The sizes at which the CUDA harness times this op, and samples of its results in float64.
#include <algorithm>
#include <cmath>

#include "native/cuda/harness/spot-checks.h"

namespace bmojo::cuda::harness {

namespace {

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
  // Stored are the rows that innovationSelect chooses, where that op is there; elsewhere any rows.
  const bool isSelected = findKernel("innovation_select") != nullptr;
  Workload w = {sized("memoryAttention", {{"B", B}, {"L", L}, {"H", H}, {"Dh", Dh}, {"w", window}, {"me", me}}),
                {{"q", rows, normal()}, {"k", rows, normal()}, {"v", rows, normal()}, {"kFading", rows, normal()},
                 {"vFading", rows, normal()}, {"scores", static_cast<size_t>(B) * L, uniform(0, 1)},
                 {"positions", slots, isSelected ? unwritten() : integers(0, L)}, {"out", rows, unwritten()},
                 {"logSumExp", heads, unwritten()},
                 {"gradOut", rows, normal()}, {"gradQ", rows, unwritten()}, {"gradK", rows, unwritten()},
                 {"gradV", rows, unwritten()}, {"gradKFading", rows, unwritten()}, {"gradVFading", rows, unwritten()}},
                {{"forward", "memory_attention_forward", {"q", "k", "v", "kFading", "vFading", "positions"},
                  {"out", "logSumExp"}, scalars, 6 * wide, flops, Dh == 64 ? 3 : 1, 4},
                 {"backward", "memory_attention_backward",
                  {"q", "k", "v", "kFading", "vFading", "positions", "out", "logSumExp", "gradOut", ""},
                  {"gradQ", "gradK", "gradV", "gradKFading", "gradVFading"}, scalars, 12 * wide, 2.5 * flops, 1, 4}},
                checkAttention,
                {{"B", B}, {"L", L}, {"H", H}, {"Dh", Dh}, {"w", window}, {"me", me}, {"C", C}}};
  if (isSelected) {
    const std::vector<double> select = {double(B), double(L), double(C), double(me), double(window), 0, 0, 0};
    w.directions.insert(w.directions.begin(), {"selection", "innovation_select", {"scores"}, {"positions"}, select,
                                               4.0 * (double(B) * L + slots), 0});
  }
  return w;
}

}  // namespace

std::vector<Workload> memoryAttentionWorkloads(Extent extent) {
  if (extent == Extent::small) return {attention(2, 100, 2, 32, 16, 6)};
  return {attention(4, 8192, 16, 64, 512, 64),
          attention(1, 32768, 16, 64, 512, 64),
          attention(128, 256, 2, 32, 32, 32)};
}

}  // namespace bmojo::cuda::harness
