// The selective scan for PyTorch on CPU cores: one thread a (row, channel), state sizes vectorised by the compiler.
// The gradient recomputes states from checkpoints, as the reference implementation of Mamba does on GPUs.
#include <torch/extension.h>

#include <cmath>
#include <vector>

using torch::Tensor;

static constexpr int64_t kChunk = 64;
static constexpr int64_t kMostStates = 64;

static inline float softplus(float x) { return x > 20.0f ? x : std::log1p(std::exp(x)); }
static inline float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

// u, delta, z: [B, L, E]; A: [E, N]; Bm, C: [B, L, N]; D, bias: [E].
std::vector<Tensor> forward(Tensor u, Tensor delta, Tensor A, Tensor Bm, Tensor C, Tensor D, Tensor z, Tensor bias) {
  const int64_t B = u.size(0), L = u.size(1), E = u.size(2), N = A.size(1), chunks = (L + kChunk - 1) / kChunk;
  TORCH_CHECK(N <= kMostStates);
  Tensor y = torch::empty_like(u), states = torch::empty({B, chunks, E, N}, u.options());
  const float *pu = u.data_ptr<float>(), *pd = delta.data_ptr<float>(), *pa = A.data_ptr<float>();
  const float *pb = Bm.data_ptr<float>(), *pc = C.data_ptr<float>(), *ps = D.data_ptr<float>();
  const float *pz = z.data_ptr<float>(), *pbias = bias.data_ptr<float>();
  float *py = y.data_ptr<float>(), *pstates = states.data_ptr<float>();
  at::parallel_for(0, B * E, 8, [&](int64_t begin, int64_t end) {
    float state[kMostStates];
    for (int64_t item = begin; item < end; item++) {
      const int64_t b = item / E, e = item % E;
      for (int64_t n = 0; n < N; n++) state[n] = 0;
      for (int64_t t = 0; t < L; t++) {
        if (t % kChunk == 0)
          for (int64_t n = 0; n < N; n++) pstates[((b * chunks + t / kChunk) * E + e) * N + n] = state[n];
        const int64_t at = (b * L + t) * E + e;
        const float step = softplus(pd[at] + pbias[e]), input = step * pu[at];
        const float *writes = pb + (b * L + t) * N, *reads = pc + (b * L + t) * N;
        float sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int64_t n = 0; n < N; n++) {
          state[n] = std::exp(step * pa[e * N + n]) * state[n] + input * writes[n];
          sum += state[n] * reads[n];
        }
        const float gate = pz[at] * sigmoid(pz[at]);
        py[at] = (sum + ps[e] * pu[at]) * gate;
      }
    }
  });
  return {y, states};
}

std::vector<Tensor> backward(Tensor gradY, Tensor u, Tensor delta, Tensor A, Tensor Bm, Tensor C, Tensor D, Tensor z,
                             Tensor bias, Tensor states) {
  const int64_t B = u.size(0), L = u.size(1), E = u.size(2), N = A.size(1), chunks = states.size(1);
  Tensor gu = torch::empty_like(u), gd = torch::empty_like(u), gz = torch::empty_like(u);
  Tensor ga = torch::zeros({B, E, N}, u.options()), gD = torch::zeros({B, E}, u.options());
  Tensor gbias = torch::zeros({B, E}, u.options());
  // Rows share B and C over channels: a task takes one row and adds its channels up in order.
  Tensor gB = torch::zeros_like(Bm), gC = torch::zeros_like(C);
  const float *pg = gradY.data_ptr<float>(), *pu = u.data_ptr<float>(), *pd = delta.data_ptr<float>();
  const float *pa = A.data_ptr<float>(), *pb = Bm.data_ptr<float>(), *pc = C.data_ptr<float>();
  const float *ps = D.data_ptr<float>(), *pz = z.data_ptr<float>(), *pbias = bias.data_ptr<float>();
  const float* pstates = states.data_ptr<float>();
  float *pgu = gu.data_ptr<float>(), *pgd = gd.data_ptr<float>(), *pgz = gz.data_ptr<float>();
  float *pga = ga.data_ptr<float>(), *pgD = gD.data_ptr<float>(), *pgbias = gbias.data_ptr<float>();
  float *pgB = gB.data_ptr<float>(), *pgC = gC.data_ptr<float>();
  at::parallel_for(0, B, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> saved((kChunk + 1) * N), decays(kChunk * N), steps(kChunk);
    for (int64_t b = begin; b < end; b++) {
      for (int64_t e = 0; e < E; e++) {
        float grad[kMostStates] = {};
        float* gradA = pga + (b * E + e) * N;
        for (int64_t chunk = chunks - 1; chunk >= 0; chunk--) {
          const int64_t from = chunk * kChunk, to = std::min(L, from + kChunk);
          for (int64_t n = 0; n < N; n++) saved[n] = pstates[((b * chunks + chunk) * E + e) * N + n];
          for (int64_t t = from; t < to; t++) {
            const int64_t at = (b * L + t) * E + e;
            const float step = softplus(pd[at] + pbias[e]), input = step * pu[at];
            const float* writes = pb + (b * L + t) * N;
            const float* before = saved.data() + (t - from) * N;
            float *after = saved.data() + (t - from + 1) * N, *decay = decays.data() + (t - from) * N;
            steps[t - from] = step;
#pragma omp simd
            for (int64_t n = 0; n < N; n++) {
              decay[n] = std::exp(step * pa[e * N + n]);
              after[n] = decay[n] * before[n] + input * writes[n];
            }
          }
          for (int64_t t = to - 1; t >= from; t--) {
            const int64_t at = (b * L + t) * E + e;
            const float *writes = pb + (b * L + t) * N, *reads = pc + (b * L + t) * N;
            float *gradB = pgB + (b * L + t) * N, *gradC = pgC + (b * L + t) * N;
            const float *before = saved.data() + (t - from) * N, *after = before + N;
            const float* decay = decays.data() + (t - from) * N;
            const float step = steps[t - from], gate = sigmoid(pz[at]), silu = pz[at] * gate;
            const float g = pg[at] * silu;
            float sum = 0, gradInput = 0, gradStep = 0;
#pragma omp simd reduction(+ : sum, gradInput, gradStep)
            for (int64_t n = 0; n < N; n++) {
              sum += after[n] * reads[n];
              const float gs = grad[n] + g * reads[n];
              gradC[n] += g * after[n];
              gradB[n] += gs * step * pu[at];
              gradInput += gs * writes[n];
              const float gradDecay = gs * decay[n] * before[n];
              gradStep += gradDecay * pa[e * N + n];
              gradA[n] += gradDecay * step;
              grad[n] = gs * decay[n];
            }
            pgz[at] = pg[at] * (sum + ps[e] * pu[at]) * gate * (1 + pz[at] * (1 - gate));
            pgD[b * E + e] += g * pu[at];
            pgu[at] = g * ps[e] + gradInput * step;
            pgd[at] = (gradStep + gradInput * pu[at]) * sigmoid(pd[at] + pbias[e]);
            pgbias[b * E + e] += pgd[at];
          }
        }
      }
    }
  });
  return {gu, gd, ga.sum(0), gB, gC, gD.sum(0), gz, gbias.sum(0)};
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("forward", &forward);
  m.def("backward", &backward);
}
