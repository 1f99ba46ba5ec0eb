#include <bab/lcore/coroutine_pool.hpp>

namespace bab {

constinit thread_local CoroutinePool* CoroutinePool::current_ = nullptr;

void* CoroutinePool::allocate(std::size_t bytes) {
  CoroutinePool* pool = current();
  const std::size_t size_class = (bytes + sizeof(Block) - 1) / kStep;
  const bool pooled = pool != nullptr && size_class < kClasses;
  if (pooled && pool->free_[size_class] != nullptr) {
    Block* block = pool->free_[size_class];
    pool->free_[size_class] = block->next;
    return block + 1;
  }
  const std::size_t size = pooled ? (size_class + 1) * kStep : bytes + sizeof(Block);
  auto* block = static_cast<Block*>(::operator new(size));
  *block = {pooled ? pool : nullptr, nullptr, size_class};
  if (pooled) ++pool->grown_;
  return block + 1;
}

void CoroutinePool::free(void* frame) noexcept {
  Block* block = static_cast<Block*>(frame) - 1;
  CoroutinePool* owner = block->owner;
  if (owner == nullptr || owner != current()) {
    ::operator delete(block);
    return;
  }
  block->next = owner->free_[block->size_class];
  owner->free_[block->size_class] = block;
}

CoroutinePool::~CoroutinePool() {
  for (Block* block : free_)
    while (block != nullptr) {
      Block* next = block->next;
      ::operator delete(block);
      block = next;
    }
}

}  // namespace bab
