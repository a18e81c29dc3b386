// Every CUDA kernel by the symbol of its C++ sibling (NativeCall.symbol in the op's definition).
#include "native/cuda/kernels.h"

#include <cstring>

namespace bmojo::cuda {

namespace {

size_t none(const Call&) { return 0; }

constexpr Kernel kernels[] = {
    {"adam_w", none, adamW},
    {"causal_conv1d_forward", none, causalConv1dForward},
    {"causal_conv1d_backward", causalConv1dBackwardWorkspace, causalConv1dBackward},
    {"cross_entropy_forward", none, crossEntropyForward},
    {"cross_entropy_backward", none, crossEntropyBackward},
    {"dropout_forward", none, dropoutForward},
    {"dropout_backward", none, dropoutBackward},
    {"embedding_lookup_forward", none, embeddingLookupForward},
    {"embedding_lookup_backward", none, embeddingLookupBackward},
    {"innovation_scores", none, innovationScores},
    {"innovation_select", innovationSelectWorkspace, innovationSelect},
    {"memory_attention_forward", none, memoryAttentionForward, 3},
    {"memory_attention_backward", memoryAttentionBackwardWorkspace, memoryAttentionBackward},
    {"rms_norm_forward", none, rmsNormForward},
    {"rms_norm_backward", rmsNormBackwardWorkspace, rmsNormBackward},
    {"rotary_embedding_forward", none, rotaryEmbeddingForward},
    {"rotary_embedding_backward", none, rotaryEmbeddingBackward},
    {"selective_scan_forward", none, selectiveScanForward, kScanForwardVariants},
    {"selective_scan_backward", selectiveScanBackwardWorkspace, selectiveScanBackward, kScanBackwardVariants},
    {"sum_of_squares", sumOfSquaresWorkspace, sumOfSquares},
    {"swiglu_forward", none, swigluForward},
    {"swiglu_backward", none, swigluBackward},
};

}  // namespace

const Kernel* allKernels(int* count) {
  *count = static_cast<int>(sizeof(kernels) / sizeof(kernels[0]));
  return kernels;
}

const Kernel* findKernel(const char* symbol) {
  for (const Kernel& kernel : kernels) {
    if (std::strcmp(kernel.symbol, symbol) == 0) return &kernel;
  }
  return nullptr;
}

}  // namespace bmojo::cuda
