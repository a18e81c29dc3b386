#include "native/tensorflow/pool.h"

#include <stdlib.h>

#if defined(__linux__)
#include <sched.h>
#endif

namespace bmojo {

namespace {

constexpr size_t kAlignment = 64;
// A thread looks for work this often before it sleeps: kernels of one training step follow each other closely.
constexpr int kLooks = 2000;

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
    generation_++;
  }
  begins_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  for (Block& block : blocks_) free(block.data);
}

void Pool::takeItems(int thread) {
  for (int64_t item = next_++; item < items_; item = next_++) (*body_)(item, thread);
}

void Pool::work(int thread) {
  uint64_t seen = 0;
  while (true) {
    for (int look = 0; look < kLooks && generation_.load() == seen; look++) pause();
    if (generation_.load() == seen) {
      std::unique_lock<std::mutex> lock(mutex_);
      begins_.wait(lock, [&] { return generation_.load() != seen; });
    }
    seen = generation_.load();
    if (stops_) return;
    takeItems(thread);
    if (--busy_ == 0) {
      std::lock_guard<std::mutex> lock(mutex_);
      ends_.notify_one();
    }
  }
}

void Pool::run(int64_t items, const std::function<void(int64_t, int)>& body) {
  if (items <= 1 || workers_.empty()) {
    for (int64_t item = 0; item < items; item++) body(item, 0);
    return;
  }
  body_ = &body;
  items_ = items;
  next_ = 0;
  busy_ = (int)workers_.size();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    generation_++;
  }
  begins_.notify_all();
  takeItems(0);
  for (int look = 0; look < kLooks && busy_.load() != 0; look++) pause();
  if (busy_.load() == 0) return;
  std::unique_lock<std::mutex> lock(mutex_);
  ends_.wait(lock, [&] { return busy_.load() == 0; });
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
