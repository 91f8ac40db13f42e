#include "tests/unit/runtime/AllocationCounter.h"

#include <cstdlib>
#include <new>

static thread_local int64_t count = 0;

int64_t halo::test::allocations() { return count; }

void *operator new(size_t bytes) {
  ++count;
  if (void *memory = std::malloc(bytes ? bytes : 1))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }
