// Every operator, once: the order is that of custom-ops/registry.ts.
#include "native/tensorflow/operator.h"

namespace bmojo {

const Operator& adamWOperator();
const Operator& crossEntropyOperator();
const Operator& dropoutOperator();
const Operator& embeddingLookupOperator();
const Operator& selectiveScanOperator();
const Operator& causalConv1dOperator();
const Operator& memoryAttentionOperator();
const Operator& innovationScoresOperator();
const Operator& innovationSelectOperator();
const Operator& linearOperator();
const Operator& linearTransposedOperator();
const Operator& rmsNormOperator();
const Operator& rotaryEmbeddingOperator();
const Operator& sumOfSquaresOperator();
const Operator& swigluOperator();
const Operator& plusOperator();

const std::vector<Operator>& operators() {
  static const std::vector<Operator> all = {
      adamWOperator(),           crossEntropyOperator(),     dropoutOperator(),          embeddingLookupOperator(),
      selectiveScanOperator(),   causalConv1dOperator(),     memoryAttentionOperator(),  innovationScoresOperator(),
      innovationSelectOperator(), linearOperator(),          linearTransposedOperator(), rmsNormOperator(),
      rotaryEmbeddingOperator(), sumOfSquaresOperator(),    swigluOperator(),           plusOperator(),
  };
  return all;
}

}  // namespace bmojo
