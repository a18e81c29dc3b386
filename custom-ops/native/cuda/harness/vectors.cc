#include "native/cuda/harness/vectors.h"

#include <cstring>
#include <fstream>
#include <stdexcept>

namespace bmojo::cuda::harness {

namespace {

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), file_(path, std::ios::binary) {
    if (!file_) throw std::runtime_error("cannot open " + path + "; write it with: node scripts/cuda-vectors.mjs " + path);
  }
  void take(void* to, size_t bytes) {
    if (!file_.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes))) {
      throw std::runtime_error(path_ + " is cut off; write it again: node scripts/cuda-vectors.mjs " + path_);
    }
  }
  uint32_t number() {
    uint32_t value;
    take(&value, 4);
    return value;
  }
  std::string text() {
    std::string value(number(), '\0');
    take(value.data(), value.size());
    return value;
  }
  std::vector<double> doubles(size_t count) {
    std::vector<double> values(count);
    take(values.data(), count * 8);
    return values;
  }
  Array array() {
    Array array;
    array.kind = static_cast<Kind>(number());
    if (array.kind == Kind::kAbsent) return array;
    array.values.resize(number());
    take(array.values.data(), array.bytes());
    return array;
  }
  bool atEnd() { return file_.peek() == std::ifstream::traits_type::eof(); }

 private:
  std::string path_;
  std::ifstream file_;
};

}  // namespace

std::vector<Run> readVectors(const std::string& path) {
  Reader reader(path);
  char magic[4];
  reader.take(magic, 4);
  if (std::memcmp(magic, "BMJV", 4) != 0) throw std::runtime_error(path + " holds no vectors for the CUDA harness");
  std::vector<Run> runs;
  while (!reader.atEnd()) {
    Run run;
    run.symbol = reader.text();
    run.name = reader.text();
    run.tolerance = reader.doubles(1)[0];
    run.scalars = reader.doubles(reader.number());
    run.inputs.resize(reader.number());
    for (Port& port : run.inputs) {
      port.name = reader.text();
      port.array = reader.array();
      port.after = reader.array();
    }
    run.outputs.resize(reader.number());
    for (Port& port : run.outputs) {
      port.name = reader.text();
      port.array = reader.array();
    }
    runs.push_back(std::move(run));
  }
  return runs;
}

}  // namespace bmojo::cuda::harness
