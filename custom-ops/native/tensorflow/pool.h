// Threads that share the independent items of a kernel. Which thread takes which item never changes a result: items own
// what they write, and sums over items are added up afterwards in the order of the items.
//
// Every thread begins with a range of neighbouring items, the same part of all in every call, so that it finds in its cache
// what it wrote in the call before, and then helps the others from the ends of their ranges.
#pragma once

#include <stdint.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace bmojo {

class Pool {
 public:
  /** `threads` includes the caller. */
  explicit Pool(int threads);
  ~Pool();

  int threads() const { return (int)workers_.size() + 1; }

  /** Calls body(item, thread) for every item in [0, items); returns when all are done. */
  void run(int64_t items, const std::function<void(int64_t, int)>& body);

  /** `floats` aligned floats of a thread's own, or, for thread -1, of the call; kept for the next call. Uninitialised. */
  float* scratch(int thread, size_t floats);

  /** Cores that this process may use; the environment's TF_NUM_INTRAOP_THREADS, TensorFlow's own limit, may lower it. */
  static int usableCores();

 private:
  struct Block {
    float* data = nullptr;
    size_t floats = 0;
  };

  /**
   * Units of a thread's range that nobody has taken, [begin, end) in the low bits, and above them the number of the call,
   * so that a claim never takes another call's unit. A line of the cache for each.
   */
  struct alignas(64) Share {
    std::atomic<uint64_t> word{0};
  };

  static constexpr int kUnitBits = 16;
  static constexpr int64_t kMostUnits = ((int64_t)1 << kUnitBits) - 1;

  void work(int thread);
  void takeUnits(int thread);
  bool takeUnitOf(int owner, int thread);
  void finish(int64_t unit, int thread);

  std::vector<std::thread> workers_;
  std::vector<Block> blocks_;
  std::mutex mutex_;
  std::condition_variable begins_, ends_;
  std::unique_ptr<Share[]> shares_;
  std::atomic<uint32_t> call_{0};
  /** Units of the call that are finished: a call waits for these, not for threads that sleep or have other work. */
  std::atomic<int64_t> done_{0};
  /** What one claim takes: one item, or several where there are more than kMostUnits. */
  int64_t items_ = 0, itemsPerUnit_ = 1, units_ = 0;
  const std::function<void(int64_t, int)>* body_ = nullptr;
  bool stops_ = false;
};

/** How many parts of at least `least` make `length`, at most `most`: depends on sizes alone, never on the threads. */
static inline int64_t partsOf(int64_t length, int64_t least, int64_t most) {
  int64_t parts = length / least;
  return parts < 1 ? 1 : parts > most ? most : parts;
}

struct Part {
  int64_t begin, end;
};

/** Part `index` of `parts` nearly equal ones of [0, length), borders at multiples of `unit`. */
static inline Part partOf(int64_t length, int64_t parts, int64_t index, int64_t unit = 1) {
  int64_t units = (length + unit - 1) / unit;
  int64_t begin = units * index / parts * unit, end = units * (index + 1) / parts * unit;
  return {begin < length ? begin : length, end < length ? end : length};
}

}  // namespace bmojo
