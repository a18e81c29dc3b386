#include "native/tensorflow/pool.h"

#include <stdlib.h>

#if defined(__linux__)
#include <sched.h>
#endif

namespace bmojo {

namespace {

constexpr size_t kAlignment = 64;
// How often a thread looks for work, or for the end of it, before it sleeps: kernels of one training step follow each other
// closely, and to be woken takes longer than most of them. The first looks, about 100 us of them, keep the core; those after
// them, some milliseconds on an idle machine, leave it to any other thread that wants it.
constexpr int kLooks = 4000;
constexpr int kYieldingLooks = 4000;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

template <typename Condition>
bool comesSoon(const Condition& condition) {
  for (int look = 0; look < kLooks; look++) {
    if (condition()) return true;
    pause();
  }
  for (int look = 0; look < kYieldingLooks; look++) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return condition();
}

}  // namespace

Pool::Pool(int threads) {
  if (threads < 1) threads = 1;
  blocks_.resize(threads + 1);
  shares_.reset(new Share[threads]);
  for (int thread = 1; thread < threads; thread++) workers_.emplace_back([this, thread] { work(thread); });
}

Pool::~Pool() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stops_ = true;
  }
  begins_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  for (Block& block : blocks_) free(block.data);
}

void Pool::finish(int64_t unit, int thread) {
  // The call that this unit belongs to cannot return before the unit is done, so that its body and sizes stay.
  const int64_t begin = unit * itemsPerUnit_, end = begin + itemsPerUnit_, units = units_;
  for (int64_t item = begin; item < end && item < items_; item++) (*body_)(item, thread);
  if (++done_ != units) return;
  std::lock_guard<std::mutex> lock(mutex_);
  ends_.notify_one();
}

/** A thread's own range goes from its begin, so that the helpers, from its end, keep out of its way. */
bool Pool::takeUnitOf(int owner, int thread) {
  std::atomic<uint64_t>& share = shares_[owner].word;
  uint64_t word = share.load();
  while (true) {
    const int64_t begin = (int64_t)(word >> kUnitBits) & kMostUnits, end = (int64_t)word & kMostUnits;
    if (begin >= end) return false;
    const bool isOwn = owner == thread;
    if (!share.compare_exchange_weak(word, isOwn ? word + ((uint64_t)1 << kUnitBits) : word - 1)) continue;
    finish(isOwn ? begin : end - 1, thread);
    return true;
  }
}

void Pool::takeUnits(int thread) {
  for (int i = 0; i < threads(); i++)
    while (takeUnitOf((thread + i) % threads(), thread)) {
    }
}

void Pool::work(int thread) {
  uint32_t seen = 0;
  while (true) {
    if (!comesSoon([&] { return call_.load() != seen; })) {
      std::unique_lock<std::mutex> lock(mutex_);
      begins_.wait(lock, [&] { return stops_ || call_.load() != seen; });
      if (stops_) return;
    }
    seen = call_.load();
    takeUnits(thread);
  }
}

void Pool::run(int64_t items, const std::function<void(int64_t, int)>& body) {
  if (items <= 1 || workers_.empty()) {
    for (int64_t item = 0; item < items; item++) body(item, 0);
    return;
  }
  body_ = &body;
  items_ = items;
  itemsPerUnit_ = (items + kMostUnits - 1) / kMostUnits;
  units_ = (items + itemsPerUnit_ - 1) / itemsPerUnit_;
  done_ = 0;
  const uint32_t call = call_.load() + 1;
  for (int thread = 0; thread < threads(); thread++) {
    const Part range = partOf(units_, threads(), thread);
    shares_[thread].word = (uint64_t)call << (2 * kUnitBits) | (uint64_t)range.begin << kUnitBits | (uint64_t)range.end;
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    call_ = call;
  }
  begins_.notify_all();
  takeUnits(0);
  if (comesSoon([&] { return done_.load() == units_; })) return;
  std::unique_lock<std::mutex> lock(mutex_);
  ends_.wait(lock, [&] { return done_.load() == units_; });
}

float* Pool::scratch(int thread, size_t floats) {
  Block& block = blocks_[thread + 1];
  if (floats > block.floats) {
    free(block.data);
    size_t bytes = (floats * sizeof(float) + kAlignment - 1) / kAlignment * kAlignment;
    block.data = (float*)aligned_alloc(kAlignment, bytes);
    if (block.data == nullptr) abort();
    block.floats = floats;
  }
  return block.data;
}

int Pool::usableCores() {
  int cores = (int)std::thread::hardware_concurrency();
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) cores = CPU_COUNT(&set);
#endif
  const char* limit = getenv("TF_NUM_INTRAOP_THREADS");
  int most = limit ? atoi(limit) : 0;
  if (most > 0 && most < cores) cores = most;
  return cores < 1 ? 1 : cores;
}

}  // namespace bmojo
