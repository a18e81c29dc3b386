// Runs every operator outside of TensorFlow, for sanitizers and profilers. Reads cases from standard input, one a line:
//   memoryAttention B=2 L=37 M=37 H=4 G=2 Dh=8 me=6 window=8 fading=sliding ... range.q=-2:2 omit=positions,kFading
// (`range`: where an input's random values lie, -1:1 unless told otherwise.)
// Each runs forward and backward on exactly sized, NaN-poisoned memory with 1, 2 and 3 threads, whose results must be
// equal bit for bit and finite. With an argument N, prints the median milliseconds of N runs instead.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <sstream>

#include "native/tensorflow/operator.h"

using namespace bmojo;

namespace {

struct Case {
  const Operator* op = nullptr;
  std::map<std::string, std::string> settings;
  std::vector<std::string> omitted;
};

using Tensors = std::map<std::string, std::pair<std::vector<int64_t>, std::vector<uint32_t>>>;

bool parse(const std::string& line, Case& parsed) {
  std::istringstream words(line);
  std::string name, word;
  words >> name;
  for (const Operator& op : operators())
    if (op.name == name) parsed.op = &op;
  while (words >> word) {
    const size_t at = word.find('=');
    if (at == std::string::npos) return false;
    parsed.settings[word.substr(0, at)] = word.substr(at + 1);
  }
  std::istringstream omitted(parsed.settings["omit"]);
  while (std::getline(omitted, word, ',')) parsed.omitted.push_back(word);
  return parsed.op != nullptr;
}

Value valueOf(const std::string& name, const std::string& text) {
  const double number = text == "true" ? 1 : text == "false" ? 0 : atof(text.c_str());
  return {name, number, text};
}

Values attributesOf(const Case& one, bool withVarying) {
  Values values;
  for (const Attribute& attribute : one.op->attributes)
    values.set(valueOf(attribute.name, one.settings.at(attribute.name)));
  if (withVarying)
    for (const char* name : one.op->varying) values.set(valueOf(name, one.settings.at(name)));
  return values;
}

Sizes sizesOf(const Case& one) {
  Sizes sizes;
  for (const auto& setting : one.settings) {
    const std::string& token = setting.first;
    const bool isDerived = std::find(one.op->derived.begin(), one.op->derived.end(), token) != one.op->derived.end();
    if (!isDerived && token.compare(0, 6, "range.") != 0) sizes.set(token, atoll(setting.second.c_str()));
  }
  if (one.op->derive) one.op->derive(sizes, attributesOf(one, true));
  return sizes;
}

/** Random values of one input. */
std::vector<uint32_t> sampled(const Case& one, const Sizes& sizes, const Port& port, int64_t length, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<uint32_t> values((size_t)length);
  const bool isRanged = one.op->ranged != nullptr && port.name == one.op->ranged;
  const IntegerRange range = isRanged ? one.op->range(sizes, attributesOf(one, true)) : IntegerRange{0, 0, 0};
  float lowest = -1, highest = 1;
  const auto told = one.settings.find("range." + port.name);
  if (told != one.settings.end() && sscanf(told->second.c_str(), "%f:%f", &lowest, &highest) != 2)
    throw ArgumentError{"range." + port.name + " must be LOWEST:HIGHEST, got " + told->second};
  for (uint32_t& value : values) {
    const float unit = (float)((random() >> 8) * (1.0 / 16777216.0));
    const float number = lowest + (highest - lowest) * unit;
    if (port.kind == Kind::f32) memcpy(&value, &number, 4);
    else value = (uint32_t)(range.lowest + (int64_t)(unit * (float)(range.highest - range.lowest + 1)));
  }
  return values;
}

struct Memory {
  std::vector<std::unique_ptr<char[]>> blocks;
  /** Exactly as long as asked for, so that one byte beyond is found out. */
  void* take(int64_t length) {
    blocks.emplace_back(new char[(size_t)length * 4]);
    return blocks.back().get();
  }
};

double run(const Case& one, Direction direction, Pool& pool, Tensors& tensors, bool poisons) {
  const Ports ports = portsOf(*one.op, direction);
  const Sizes sizes = sizesOf(one);
  Memory memory;
  Call call(ports, pool);
  call.values = attributesOf(one, false);
  call.poisons = poisons;
  uint32_t seed = 1;
  for (const Port& port : ports.inputs) {
    View view;
    view.kind = port.kind;
    seed++;
    if (std::count(one.omitted.begin(), one.omitted.end(), port.name) > 0) {
      view.shape = {0};
      call.inputs.push_back(view);
      continue;
    }
    if (port.shape == "*") view.shape = {sizes["*"]};
    else for (const std::string& token : port.tokens) view.shape.push_back(sizes[token]);
    const int64_t length = view.length();
    view.data = memory.take(length);
    const auto known = tensors.find(port.name);
    const auto values = known != tensors.end() ? known->second.second : sampled(one, sizes, port, length, seed);
    memcpy(view.data, values.data(), (size_t)length * 4);
    call.inputs.push_back(view);
  }
  View varying;
  varying.kind = one.op->varyingKind;
  varying.shape = {(int64_t)one.op->varying.size()};
  varying.data = memory.take(varying.shape[0]);
  for (size_t i = 0; i < one.op->varying.size(); i++) {
    const double number = atof(one.settings.at(one.op->varying[i]).c_str());
    if (varying.kind == Kind::f32) ((float*)varying.data)[i] = (float)number;
    else ((int32_t*)varying.data)[i] = (int32_t)number;
  }
  // The processor's time where it is one thread's, so that a busy machine can measure too.
  const bool isAlone = pool.threads() == 1;
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t startOfWork = std::clock();
  prepareCall(*one.op, ports, call, one.op->varying.empty() ? nullptr : &varying,
              [&](int, const std::vector<int64_t>& shape) {
                int64_t length = 1;
                for (int64_t size : shape) length *= size;
                return memory.take(length);
              });
  runOnCpu(*one.op, direction, call);
  const double worked = 1000.0 * (double)(std::clock() - startOfWork) / CLOCKS_PER_SEC;
  const double passed = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  const double ms = isAlone ? worked : passed;
  for (size_t i = 0; i < call.outputs.size(); i++) {
    const View& view = call.outputs[i];
    if (view.data == nullptr) continue;
    const uint32_t* data = (const uint32_t*)view.data;
    tensors[ports.outputs[i].name] = {view.shape, std::vector<uint32_t>(data, data + view.length())};
  }
  return ms;
}

bool isFinite(const Case& one, const Tensors& tensors) {
  for (Direction direction : {Direction::forward, Direction::backward}) {
    for (const Port& port : portsOf(*one.op, direction).outputs) {
      const auto found = tensors.find(port.name);
      if (found == tensors.end() || port.kind == Kind::i32) continue;
      for (uint32_t bits : found->second.second) {
        float number;
        memcpy(&number, &bits, 4);
        if (!std::isfinite(number)) return false;
      }
    }
  }
  return true;
}

bool check(const Case& one, const std::string& line, std::vector<std::unique_ptr<Pool>>& pools) {
  Tensors first;
  for (const auto& pool : pools) {
    Tensors tensors;
    run(one, Direction::forward, *pool, tensors, true);
    if (one.op->backward) run(one, Direction::backward, *pool, tensors, true);
    if (first.empty()) first = tensors;
    if (tensors == first && isFinite(one, tensors)) continue;
    printf("FAILED with %d threads: %s\n", pool->threads(), line.c_str());
    return false;
  }
  return true;
}

void time(const Case& one, const std::string& line, int runs) {
  Pool pool(Pool::usableCores());
  for (Direction direction : {Direction::forward, Direction::backward}) {
    if (direction == Direction::backward && !one.op->backward) continue;
    std::vector<double> times;
    for (int i = 0; i <= runs; i++) {
      Tensors tensors;
      if (direction == Direction::backward && i == 0) run(one, Direction::forward, pool, tensors, false);
      static Tensors saved;
      if (i == 0) saved = tensors;
      tensors = saved;
      times.push_back(run(one, direction, pool, tensors, false));
    }
    std::sort(times.begin(), times.end());
    printf("%-9s %10.3f ms  least %10.3f ms  %s\n", direction == Direction::forward ? "forward" : "backward",
           times[times.size() / 2], times[0], line.substr(0, 80).c_str());
  }
}

}  // namespace

int main(int count, char** arguments) {
  const int runs = count > 1 ? atoi(arguments[1]) : 0;
  std::vector<std::unique_ptr<Pool>> pools;
  for (int threads = 1; threads <= 3; threads++) pools.emplace_back(new Pool(threads));
  int passed = 0, failed = 0;
  for (std::string line; std::getline(std::cin, line);) {
    Case one;
    if (line.empty()) continue;
    if (!parse(line, one)) {
      printf("not a case: %s\n", line.c_str());
      return 2;
    }
    try {
      if (runs > 0) time(one, line, runs);
      else (check(one, line, pools) ? passed : failed)++;
    } catch (const ArgumentError& error) {
      printf("FAILED: %s: %s\n", line.c_str(), error.message.c_str());
      failed++;
    }
  }
  if (runs == 0) printf("%d cases agree over threads, %d do not\n", passed, failed);
  return failed > 0 ? 1 : 0;
}
