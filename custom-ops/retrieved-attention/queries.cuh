// What a query's team does: the softmax over its places, and its gradient.
#pragma once
#include "retrieved-attention/problem.cuh"

namespace bmojo::cuda {

// The logarithm that stands for a query without rows.
constexpr float kNoRows = -1e4f;

// kFours: vectors of four of each lane.
template <int kFours, bool kWide>
__global__ void __launch_bounds__(kTeamThreads)
retrievedForwardKernel(RetrievedProblem p, float* __restrict__ out, float* __restrict__ logSumExp) {
  const TeamQuery own(p);
  float4 q[kFours], sums[kFours];
#pragma unroll
  for (int c = 0; c < kFours; c++) {
    q[c] = loadFour<kWide>(p.q + own.row * p.Dh, (c * kTeam + own.lane) * 4, p.Dh);
    scaleBy(q[c], p.scale * kLog2e);
    sums[c] = make_float4(0, 0, 0, 0);
  }
  // Powers of two.
  float peak = -1e29f, total = 0.0f;
  for (int r = 0; r < p.R; r++) {
    const int named = p.rows[own.firstPlace + r];
    const int64_t at = own.keyAt(p, named);
    float score = 0.0f;
#pragma unroll
    for (int c = 0; c < kFours; c++)
      score += dot4(q[c], loadNamed<kWide>(p.k, at, (c * kTeam + own.lane) * 4, p.Dh));
    score = teamSum(score);
    const float newPeak = named >= 0 ? fmaxf(peak, score) : peak;
    const float fade = ex2(peak - newPeak), weight = named >= 0 ? ex2(score - newPeak) : 0.0f;
    peak = newPeak;
    total = fmaf(total, fade, weight);
#pragma unroll
    for (int c = 0; c < kFours; c++) {
      scaleBy(sums[c], fade);
      addScaled(sums[c], weight, loadNamed<kWide>(p.v, at, (c * kTeam + own.lane) * 4, p.Dh));
    }
  }
  if (!own.isOwn) return;
  const bool isAny = total != 0.0f;
  const float normaliser = isAny ? 1.0f / total : 0.0f;
#pragma unroll
  for (int c = 0; c < kFours; c++) {
    scaleBy(sums[c], normaliser);
    storeFour<kWide>(out + own.row * p.Dh, (c * kTeam + own.lane) * 4, p.Dh, sums[c]);
  }
  if (own.lane == 0) logSumExp[own.row] = isAny ? peak * kLn2 + logf(total) : kNoRows;
}

struct RetrievedCotangents {
  const float *out, *logSumExp, *gradOut, *gradLogSumExp;
};

// gradQ, and parts [B, L, H, R]: each place's weight and the gradient of its score, zeros where it is empty.
template <int kFours, bool kWide>
__global__ void __launch_bounds__(kTeamThreads)
retrievedQueryGradientKernel(RetrievedProblem p, RetrievedCotangents in, float* __restrict__ gradQ,
                             float2* __restrict__ parts) {
  const TeamQuery own(p);
  float4 q[kFours], cotangent[kFours], sums[kFours];
  float taken = 0.0f;
#pragma unroll
  for (int c = 0; c < kFours; c++) {
    const int d = (c * kTeam + own.lane) * 4;
    q[c] = loadFour<kWide>(p.q + own.row * p.Dh, d, p.Dh);
    cotangent[c] = loadFour<kWide>(in.gradOut + own.row * p.Dh, d, p.Dh);
    taken += dot4(cotangent[c], loadFour<kWide>(in.out + own.row * p.Dh, d, p.Dh));
    sums[c] = make_float4(0, 0, 0, 0);
  }
  taken = teamSum(taken) - in.gradLogSumExp[own.row];
  const float level = in.logSumExp[own.row] * kLog2e;
  for (int r = 0; r < p.R; r++) {
    const int named = p.rows[own.firstPlace + r];
    const int64_t at = own.keyAt(p, named);
    float4 key[kFours];
    float score = 0.0f, gradWeight = 0.0f;
#pragma unroll
    for (int c = 0; c < kFours; c++) {
      const int d = (c * kTeam + own.lane) * 4;
      key[c] = loadNamed<kWide>(p.k, at, d, p.Dh);
      score += dot4(q[c], key[c]);
      gradWeight += dot4(cotangent[c], loadNamed<kWide>(p.v, at, d, p.Dh));
    }
    score = teamSum(score), gradWeight = teamSum(gradWeight);
    const float weight = named >= 0 ? softmaxWeight(fmaf(score, p.scale * kLog2e, -level)) : 0.0f;
    const float gradScore = p.scale * weight * (gradWeight - taken);
#pragma unroll
    for (int c = 0; c < kFours; c++) addScaled(sums[c], gradScore, key[c]);
    if (own.isOwn && own.lane == 0) parts[own.row * p.R + r] = make_float2(weight, gradScore);
  }
  if (!own.isOwn) return;
#pragma unroll
  for (int c = 0; c < kFours; c++) {
    storeFour<kWide>(gradQ + own.row * p.Dh, (c * kTeam + own.lane) * 4, p.Dh, sums[c]);
  }
}

}  // namespace bmojo::cuda
