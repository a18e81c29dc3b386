// The launchers of every op, defined in the op's kernel.cu.
#pragma once
#include "native/cuda/call.h"

namespace bmojo::cuda {

// Of Call::variant, see selective-scan/kernel.cu.
constexpr int kScanForwardVariants = 4;
constexpr int kScanBackwardVariants = 2;

cudaError_t adamW(const Call&);
cudaError_t causalConv1dForward(const Call&);
size_t causalConv1dBackwardWorkspace(const Call&);
cudaError_t causalConv1dBackward(const Call&);
cudaError_t crossEntropyForward(const Call&);
cudaError_t crossEntropyBackward(const Call&);
cudaError_t dropoutForward(const Call&);
cudaError_t dropoutBackward(const Call&);
cudaError_t embeddingLookupForward(const Call&);
cudaError_t embeddingLookupBackward(const Call&);
cudaError_t innovationScores(const Call&);
size_t innovationSelectWorkspace(const Call&);
cudaError_t innovationSelect(const Call&);
cudaError_t memoryAttentionForward(const Call&);
size_t memoryAttentionBackwardWorkspace(const Call&);
cudaError_t memoryAttentionBackward(const Call&);
cudaError_t rmsNormForward(const Call&);
size_t rmsNormBackwardWorkspace(const Call&);
cudaError_t rmsNormBackward(const Call&);
cudaError_t rotaryEmbeddingForward(const Call&);
cudaError_t rotaryEmbeddingBackward(const Call&);
cudaError_t selectiveScanForward(const Call&);
size_t selectiveScanBackwardWorkspace(const Call&);
cudaError_t selectiveScanBackward(const Call&);
size_t sumOfSquaresWorkspace(const Call&);
cudaError_t sumOfSquares(const Call&);
cudaError_t swigluForward(const Call&);
cudaError_t swigluBackward(const Call&);

}  // namespace bmojo::cuda
