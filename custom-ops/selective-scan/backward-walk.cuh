// The walk of the backward pass: states forward over half a tile, their cotangents back over it, all in registers.
#pragma once
#include "selective-scan/backward-load.cuh"
#include "selective-scan/backward-sums.cuh"

namespace bmojo::cuda {

template <class Layout>
struct BackwardWalk {
  static constexpr int channels = Layout::channels;
  // Tokens that are summed over a channel's lanes at once.
  static constexpr int group = Layout::lanes < kHalf ? Layout::lanes : kHalf;
  using States = float[channels][kStates];
  // Of a group of tokens and each channel: sums over states, for the gradients of step size and input, and the output.
  using Sums = float[channels][group];

  States rate, gradState, gradRate = {};

  // Carries `state` over kHalf tokens from `token` on.
  __device__ void carry(States& state, const BackwardTile<Layout>& tile, int token) const {
#pragma unroll
    for (int t = 0; t < kHalf; t++) {
      float pair[2 * channels], w[kStates];
      loadRun(pair, tile.pairs + (token + t) * Layout::pairRow);
      loadRun(w, tile.writes + (token + t) * Layout::stateRow);
#pragma unroll
      for (int c = 0; c < channels; c++) {
#pragma unroll
        for (int k = 0; k < kStates; k++) {
          state[c][k] = fmaf(ex2(pair[2 * c] * rate[c][k]), state[c][k], pair[2 * c + 1] * w[k]);
        }
      }
    }
  }

  // The same, keeping the decay of every token and the state before and behind it; before[0] is given.
  __device__ void recompute(States (&before)[kHalf + 1], States (&decay)[kHalf], const BackwardTile<Layout>& tile,
                            int token) const {
#pragma unroll
    for (int t = 0; t < kHalf; t++) {
      float pair[2 * channels], w[kStates];
      loadRun(pair, tile.pairs + (token + t) * Layout::pairRow);
      loadRun(w, tile.writes + (token + t) * Layout::stateRow);
#pragma unroll
      for (int c = 0; c < channels; c++) {
#pragma unroll
        for (int k = 0; k < kStates; k++) {
          decay[t][c][k] = ex2(pair[2 * c] * rate[c][k]);
          before[t + 1][c][k] = fmaf(decay[t][c][k], before[t][c][k], pair[2 * c + 1] * w[k]);
        }
      }
    }
  }

  // Cotangents back over token `t` of the half that begins at `half`: this lane's share of the sums over states, at place
  // j of its group, and the warp's row of gradB and gradC.
  __device__ void back(const BackwardTile<Layout>& tile, const BackwardLane<Layout>& at, int half, int t, int j,
                       const States (&before)[kHalf + 1], const States (&decay)[kHalf], Sums& gradSteps,
                       Sums& gradInputs, Sums& outputs, float* sums) {
    float pair[2 * channels], gradSum[channels], w[kStates], r[kStates], gradB[kStates], gradC[kStates];
    loadRun(pair, tile.pairs + (half + t) * Layout::pairRow);
    loadRun(gradSum, tile.gates + (half + t) * Layout::row);
    loadRun(w, tile.writes + (half + t) * Layout::stateRow);
    loadRun(r, tile.reads + (half + t) * Layout::stateRow);
#pragma unroll
    for (int c = 0; c < channels; c++) {
      const float step = pair[2 * c], written = pair[2 * c + 1];
      float stepSum = 0.0f, inputSum = 0.0f, output = 0.0f;
#pragma unroll
      for (int k = 0; k < kStates; k++) {
        const float h = before[t + 1][c][k], g = fmaf(gradSum[c], r[k], gradState[c][k]);
        gradState[c][k] = g * decay[t][c][k];
        const float gradDecay = gradState[c][k] * before[t][c][k];
        gradRate[c][k] = fmaf(gradDecay, step, gradRate[c][k]);
        gradB[k] = c == 0 ? g * written : fmaf(g, written, gradB[k]);
        gradC[k] = c == 0 ? gradSum[c] * h : fmaf(gradSum[c], h, gradC[k]);
        stepSum = k == 0 ? gradDecay * rate[c][k] : fmaf(gradDecay, rate[c][k], stepSum);
        inputSum = k == 0 ? g * w[k] : fmaf(g, w[k], inputSum);
        output = k == 0 ? h * r[k] : fmaf(h, r[k], output);
      }
      gradSteps[c][j] = stepSum, gradInputs[c][j] = inputSum, outputs[c][j] = output;
    }
    sumChannels<Layout::lanes>(gradB, gradC, at.lane);
    storeChannelSums<Layout::lanes>(sums + t * Layout::tokenSums, gradB, gradC, at.firstState, at.version, at.lane);
  }

  // Adds up a group's sums over the channel's lanes as far as there are more lanes than tokens in the group.
  __device__ static void sumLanes(Sums& gradSteps, Sums& gradInputs, Sums& outputs) {
#pragma unroll
    for (int m = group; m < Layout::lanes; m *= 2) {
#pragma unroll
      for (int c = 0; c < channels; c++) {
#pragma unroll
        for (int j = 0; j < group; j++) {
          gradSteps[c][j] += __shfl_xor_sync(kAll, gradSteps[c][j], m);
          gradInputs[c][j] += __shfl_xor_sync(kAll, gradInputs[c][j], m);
          outputs[c][j] += __shfl_xor_sync(kAll, outputs[c][j], m);
        }
      }
    }
  }
};

}  // namespace bmojo::cuda
