// Every operator, and whether each op's folder has added to its declaration what the declaration promises.
#include <stdexcept>

#include "native/tensorflow/operator.h"

namespace bmojo {

namespace {

void require(const Operator& op, bool isKept, const char* what) {
  if (!isKept) throw std::logic_error(std::string(op.name) + ": op_tf.cc and definition.ts differ in " + what);
}

std::vector<Operator> checked() {
  std::vector<Operator> all = registeredOperators();
  all.push_back(plusOperator());
  if (all.size() != kOperators) throw std::logic_error("kStandIns is not the number of stand-ins");
  for (const Operator& op : all) {
    require(op, op.forward != nullptr, "forward");
    require(op, (op.backward != nullptr) == op.hasGradient, "backward");
    require(op, (op.range != nullptr) == (op.ranged != nullptr), "the range of integers");
    require(op, op.derived.empty() || op.derive != nullptr, "derived sizes");
  }
  return all;
}

}  // namespace

const std::vector<Operator>& operators() {
  static const std::vector<Operator> all = checked();
  return all;
}

}  // namespace bmojo
