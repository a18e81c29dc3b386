#include "native/tensorflow/pool.h"

#include <stdlib.h>

#if defined(__linux__)
#include <sched.h>
#endif

namespace bmojo {

namespace {

constexpr size_t kAlignment = 64;
// A thread looks for work this often, for about 150 us, before it sleeps: kernels of one training step follow each other
// closely, and to be woken takes longer than most of them.
constexpr int kLooks = 8000;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

Pool::Pool(int threads) {
  blocks_.resize((threads < 1 ? 1 : threads) + 1);
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

void Pool::takeItems(int thread) {
  uint64_t claim = claim_.load();
  while (unclaimed(claim) > 0) {
    if (!claim_.compare_exchange_weak(claim, claim - 1)) continue;
    // The call that this item belongs to cannot return before the item is done, so that its body and size stay.
    const int64_t items = items_;
    (*body_)(items - unclaimed(claim), thread);
    if (++done_ == items) {
      std::lock_guard<std::mutex> lock(mutex_);
      ends_.notify_one();
    }
    claim = claim_.load();
  }
}

void Pool::work(int thread) {
  while (true) {
    for (int look = 0; look < kLooks && unclaimed(claim_.load()) == 0; look++) pause();
    if (unclaimed(claim_.load()) == 0) {
      std::unique_lock<std::mutex> lock(mutex_);
      begins_.wait(lock, [&] { return stops_ || unclaimed(claim_.load()) > 0; });
      if (stops_) return;
    }
    takeItems(thread);
  }
}

void Pool::run(int64_t items, const std::function<void(int64_t, int)>& body) {
  if (items <= 1 || workers_.empty()) {
    for (int64_t item = 0; item < items; item++) body(item, 0);
    return;
  }
  body_ = &body;
  items_ = items;
  done_ = 0;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    claim_ = (++calls_ << kItemBits) | (uint64_t)items;
  }
  begins_.notify_all();
  takeItems(0);
  for (int look = 0; look < kLooks && done_.load() != items; look++) pause();
  if (done_.load() == items) return;
  std::unique_lock<std::mutex> lock(mutex_);
  ends_.wait(lock, [&] { return done_.load() == items; });
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
