// Fibers with a stack of their own; a fiber runs until it waits at a barrier (x86-64, System V calling convention).
#include "native/cuda/emulator.h"

#include <vector>

extern "C" void bmojoSwitch(void** save, void* load);
asm(R"(
.text
.globl bmojoSwitch
bmojoSwitch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
)");

namespace emulator {

uint3 thread, block;
dim3 blockSize, gridSize;
void* dynamicShared;

namespace {

constexpr size_t kStack = 128 * 1024;

struct Barrier {
  int arrived = 0, generation = 0;
};

struct Fiber {
  void* stackPointer = nullptr;
  std::vector<char> stack;
  bool done = false;
  int exchanges = 0;
};

struct Warp {
  Barrier barrier;
  uint32_t values[2][32];
  uint32_t factors[2][32][6];
  const uint16_t* rows[2][32];
};

std::vector<Fiber> fibers;
std::vector<Warp> warps;
Barrier blockBarrier;
int current, alive;
void* scheduler;
const std::function<void()>* kernelBody;

void enter() {
  (*kernelBody)();
  fibers[current].done = true;
  bmojoSwitch(&fibers[current].stackPointer, scheduler);
}

void wait(Barrier& barrier, int members) {
  const int generation = barrier.generation;
  if (++barrier.arrived == members) {
    barrier.arrived = 0;
    barrier.generation++;
    return;
  }
  while (barrier.generation == generation) bmojoSwitch(&fibers[current].stackPointer, scheduler);
}

int warpSize() {
  const int rest = static_cast<int>(blockSize.x) - current / 32 * 32;
  return rest < 32 ? rest : 32;
}

void runBlock() {
  const int threads = static_cast<int>(blockSize.x);
  blockBarrier = {};
  for (Warp& warp : warps) warp.barrier = {};
  for (Fiber& fiber : fibers) {
    fiber.done = false;
    fiber.exchanges = 0;
    auto top = reinterpret_cast<uintptr_t>(fiber.stack.data() + kStack) & ~uintptr_t{15};
    auto** slot = reinterpret_cast<void**>(top) - 2;
    *slot = reinterpret_cast<void*>(&enter);
    fiber.stackPointer = slot - 6;
  }
  alive = threads;
  while (alive > 0) {
    int before = blockBarrier.generation - alive;
    for (Warp& warp : warps) before += warp.barrier.generation;
    for (current = 0; current < threads; current++) {
      if (fibers[current].done) continue;
      thread = {static_cast<unsigned>(current), 0, 0};
      bmojoSwitch(&scheduler, fibers[current].stackPointer);
      if (fibers[current].done) alive--;
    }
    int after = blockBarrier.generation - alive;
    for (Warp& warp : warps) after += warp.barrier.generation;
    if (alive > 0 && before == after) {
      std::fprintf(stderr, "emulator: threads of a block wait at barriers that others never reach\n");
      std::abort();
    }
  }
}

}  // namespace

int lane() { return current % 32; }

void requireAligned16(const void* address) {
  if (reinterpret_cast<uintptr_t>(address) % 16 == 0) return;
  std::fprintf(stderr, "emulator: an address that 16 does not divide\n");
  std::abort();
}

void syncBlock() { wait(blockBarrier, static_cast<int>(blockSize.x)); }
void syncWarp() { wait(warps[current / 32].barrier, warpSize()); }

uint32_t exchange(uint32_t value, int from) {
  Warp& warp = warps[current / 32];
  const int slot = fibers[current].exchanges++ & 1;
  warp.values[slot][lane()] = value;
  syncWarp();
  return warp.values[slot][from];
}

void mmaTf32(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  Warp& warp = warps[current / 32];
  const int slot = fibers[current].exchanges++ & 1;
  const auto cut = [](unsigned x) { return x & 0xffffe000u; };
  for (int i = 0; i < 4; i++) warp.factors[slot][lane()][i] = cut(a[i]);
  for (int i = 0; i < 2; i++) warp.factors[slot][lane()][4 + i] = cut(b[i]);
  syncWarp();
  const int group = lane() / 4, pair = lane() % 4;
  for (int i = 0; i < 4; i++) {
    const int row = group + (i / 2) * 8, column = 2 * pair + i % 2;
    float sum = c[i];
    for (int k = 0; k < 8; k++) {
      const unsigned left = warp.factors[slot][row % 8 * 4 + k % 4][(k / 4) * 2 + row / 8];
      const unsigned right = warp.factors[slot][column * 4 + k % 4][4 + k / 4];
      sum += __uint_as_float(left) * __uint_as_float(right);
    }
    c[i] = sum;
  }
}

unsigned halfOf(float x, bool isBfloat) {
  const uint32_t bits = __float_as_uint(x), sign = bits >> 16 & 0x8000u, size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) return sign | 0x7fffu;
  if (isBfloat) return (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
  if (size >= 0x477ff000u) return sign | 0x7c00u;
  // Adding 0.5 leaves multiples of 2^-24 in the fraction, rounded by the addition itself.
  if (size < 0x38800000u) return sign | (__float_as_uint(__uint_as_float(size) + 0.5f) - 0x3f000000u);
  return sign | (size - 0x38000000u + 0xfffu + (size >> 13 & 1)) >> 13;
}

float floatOf(unsigned half, bool isBfloat) {
  if (isBfloat) return __uint_as_float(half << 16);
  const unsigned sign = (half & 0x8000u) << 16, exponent = half & 0x7c00u, shifted = (half & 0x7fffu) << 13;
  if (exponent == 0) return __uint_as_float(sign | __float_as_uint(static_cast<float>(half & 0x3ffu) * 0x1p-24f));
  return __uint_as_float(sign | (shifted + (exponent == 0x7c00u ? 0x70000000u : 0x38000000u)));
}

void mmaHalves(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1, bool isBfloat) {
  Warp& warp = warps[current / 32];
  const int slot = fibers[current].exchanges++ & 1;
  for (int i = 0; i < 4; i++) warp.factors[slot][lane()][i] = a[i];
  warp.factors[slot][lane()][4] = b0;
  warp.factors[slot][lane()][5] = b1;
  syncWarp();
  const int group = lane() / 4, pair = lane() % 4;
  const auto numberOf = [&](uint32_t word, int k) { return floatOf(word >> k % 2 * 16 & 0xffffu, isBfloat); };
  for (int i = 0; i < 4; i++) {
    const int row = group + (i / 2) * 8, column = 2 * pair + i % 2;
    float sum = c[i];
    for (int k = 0; k < 16; k++) {
      const uint32_t left = warp.factors[slot][row % 8 * 4 + k % 8 / 2][k / 8 * 2 + row / 8];
      const uint32_t right = warp.factors[slot][column * 4 + k % 8 / 2][4 + k / 8];
      sum += numberOf(left, k) * numberOf(right, k);
    }
    c[i] = sum;
  }
}

void loadMatrices(unsigned (&words)[4], const float* row, bool isTransposed) {
  Warp& warp = warps[current / 32];
  const int slot = fibers[current].exchanges++ & 1;
  requireAligned16(row);
  warp.rows[slot][lane()] = reinterpret_cast<const uint16_t*>(row);
  syncWarp();
  const int group = lane() / 4, pair = lane() % 4;
  for (int m = 0; m < 4; m++) {
    const uint16_t* const* const rows = warp.rows[slot] + m * 8;
    const auto at = [&](int i) { return isTransposed ? rows[2 * pair + i][group] : rows[group][2 * pair + i]; };
    words[m] = at(0) | static_cast<unsigned>(at(1)) << 16;
  }
}

cudaError_t run(dim3 grid, int threads, size_t shared, const std::function<void()>& body) {
  if (threads < 1 || threads > 1024 || grid.y > 65535 || grid.z > 65535 || shared > 227 * 1024) {
    return cudaErrorInvalidConfiguration;
  }
  fibers.resize(threads);
  for (Fiber& fiber : fibers) fiber.stack.resize(kStack);
  warps.resize((threads + 31) / 32);
  // Bytes beyond the block are poisoned too, so that reads there show.
  std::vector<float4> memory(shared / 16 + 4);
  std::memset(memory.data(), 0xff, memory.size() * 16);
  dynamicShared = memory.data();
  kernelBody = &body;
  blockSize = dim3(threads);
  gridSize = grid;
  for (block.z = 0; block.z < grid.z; block.z++) {
    for (block.y = 0; block.y < grid.y; block.y++) {
      for (block.x = 0; block.x < grid.x; block.x++) runBlock();
    }
  }
  return cudaSuccess;
}

}  // namespace emulator
