#include "memory.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "machine.hpp"
#include "memory_run.hpp"

namespace bab::test::model {

using namespace memory_run;

namespace {

unsigned weak_left = 0;
std::unordered_map<const void*, std::pair<std::uint32_t, Clock>> keys;
Clock sequential_fences;

/// So many locations or keys of earlier runs may stay. They are useless, but to clear them in each
/// run would cost time.
constexpr std::size_t kMaxLeftOver = 50'000;

/// A load may see at most so many older values. Values further back differ from these only in age.
constexpr std::size_t kMaxOlder = 3;

bool acquires(int order) noexcept {
  return order == __ATOMIC_ACQUIRE || order == __ATOMIC_CONSUME || order == __ATOMIC_ACQ_REL ||
         order == __ATOMIC_SEQ_CST;
}
bool releases(int order) noexcept {
  return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}
bool sequential(int order) noexcept { return order == __ATOMIC_SEQ_CST; }

std::uint64_t peek(const volatile void* at, unsigned bytes) noexcept {
  switch (bytes) {
    case 1:
      return *static_cast<const volatile std::uint8_t*>(at);
    case 2:
      return *static_cast<const volatile std::uint16_t*>(at);
    case 4:
      return *static_cast<const volatile std::uint32_t*>(at);
    default:
      return *static_cast<const volatile std::uint64_t*>(at);
  }
}

void poke(volatile void* at, unsigned bytes, std::uint64_t value) noexcept {
  switch (bytes) {
    case 1:
      *static_cast<volatile std::uint8_t*>(at) = static_cast<std::uint8_t>(value);
      break;
    case 2:
      *static_cast<volatile std::uint16_t*>(at) = static_cast<std::uint16_t>(value);
      break;
    case 4:
      *static_cast<volatile std::uint32_t*>(at) = static_cast<std::uint32_t>(value);
      break;
    default:
      *static_cast<volatile std::uint64_t*>(at) = value;
  }
}

std::uint64_t cut(std::uint64_t value, unsigned bytes) noexcept {
  return bytes == 8 ? value : value & ((std::uint64_t{1} << (8 * bytes)) - 1);
}

std::uint64_t changed_by(Memory::Rmw what, std::uint64_t old, std::uint64_t operand) noexcept {
  switch (what) {
    case Memory::Rmw::kAdd:
      return old + operand;
    case Memory::Rmw::kSub:
      return old - operand;
    case Memory::Rmw::kAnd:
      return old & operand;
    case Memory::Rmw::kOr:
      return old | operand;
    case Memory::Rmw::kXor:
      return old ^ operand;
    default:
      return operand;
  }
}

/// Gives the location. Its history begins anew, with the present value, in a new run or after a
/// plain store.
Location& location(volatile const void* at, unsigned bytes) {
  Location& l = locations[address(at)];
  const std::uint64_t value = peek(at, bytes);
  if (l.run == run_number && !l.overwritten && l.stores.back().value == value) return l;
  const bool again = l.run == run_number;
  l.stores.clear();
  for (auto& reads : l.reads) reads.clear();
  l.floor.fill(0);
  l.sequential_floor = 0;
  l.run = run_number;
  Store first;
  first.value = value;
  if (again) {
    // There was a plain store. A thread that comes now must know of it, or there is a race.
    first.thread = l.overwritten ? l.writer : Machine::self();
    first.tick = l.overwritten ? l.written : tick_of(Machine::self());
  }
  l.overwritten = false;
  l.stores.push_back(first);
  return l;
}

/// The oldest store that the running thread may still see.
std::size_t oldest(const Location& l, bool is_sequential) noexcept {
  const Clock& clock = self().clock;
  std::size_t low = std::max(l.floor[Machine::self()], is_sequential ? l.sequential_floor : 0);
  for (std::size_t i = l.stores.size(); i-- > low;)
    if (clock.knows(l.stores[i].thread, l.stores[i].tick)) {
      low = i;
      break;
    }
  // This thread knows of some loads of all threads. It can't see a value older than those loads
  // saw.
  for (unsigned t = 0; t < kMaxThreads; ++t)
    for (auto read = l.reads[t].rbegin(); read != l.reads[t].rend(); ++read)
      if (clock.knows(t, read->first)) {
        low = std::max(low, read->second);
        break;
      }
  return low;
}

void saw(Location& l, std::size_t index, int order) {
  const unsigned me = Machine::self();
  l.reads[me].emplace_back(tick_of(me), index);
  if (sequential(order)) l.sequential_floor = std::max(l.sequential_floor, index);
  (acquires(order) ? self().clock : self().fence_acquired).join(l.stores[index].released);
}

Store made(std::uint64_t value, int order) noexcept {
  const unsigned me = Machine::self();
  return {value, me, tick_of(me), releases(order) ? self().clock : self().fence_released};
}

void arrive(volatile void* at, unsigned bytes, const Store& store) {
  Location& l = location(at, bytes);
  l.stores.push_back(store);
  poke(at, bytes, store.value);
  Machine::changed();
}

/// The store of a read-modify-write. It carries on the release of the store that it replaces.
void exchange(Location& l, volatile void* at, unsigned bytes, std::uint64_t value, int order) {
  Store next = made(value, order);
  next.released.join(l.stores.back().released);
  arrive(at, bytes, next);
  if (sequential(order)) l.sequential_floor = l.stores.size() - 1;
}

const Buffered* buffered(const Thread& t, const volatile void* at) noexcept {
  for (auto b = t.buffer.rbegin(); b != t.buffer.rend(); ++b)
    if (b->at == at) return &*b;
  return nullptr;
}

/// Begins every operation. Another thread may go on here. Late stores that one operation has
/// overtaken arrive.
class Operation {
 public:
  Operation() {
    within = true;
    Machine::point();
    Thread& t = self();
    std::size_t due = 0;
    while (due < t.buffer.size() && t.buffer[due].bypassed) ++due;
    drain(t, due);
    for (Buffered& b : t.buffer) b.bypassed = true;
  }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  ~Operation() {
    if (++tick_of(Machine::self()) == std::numeric_limits<Tick>::max()) Machine::fail("no end");
    within = false;
  }
};

/// Picks one of `choices`. All but the first are weak.
std::size_t choose(std::size_t choices) {
  if (choices <= 1 || weak_left == 0) return 0;
  const std::size_t k = Machine::choose(choices);
  if (k != 0) --weak_left;
  return k;
}

}  // namespace

void memory_run::drain(Thread& t, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    arrive(t.buffer[i].at, t.buffer[i].bytes, t.buffer[i].store);
  t.buffer.erase(t.buffer.begin(), t.buffer.begin() + static_cast<std::ptrdiff_t>(count));
  late -= count;
}

void Memory::start(unsigned weak) {
  ++run_number;
  weak_left = weak;
  for (unsigned i = 0; i < kMaxThreads; ++i) {
    threads[i].clock = threads[i].fence_released = threads[i].fence_acquired = Clock{};
    threads[i].buffer.clear();
    threads[i].stale.clear();
    tick_of(i) = 1;
  }
  if (locations.size() > kMaxLeftOver) locations.clear();
  if (keys.size() > kMaxLeftOver) keys.clear();
  sequential_fences = Clock{};
  late = 0;
  within = false;
  active = true;
}

void Memory::stop() { active = false; }

void Memory::thread_begins() { within = false; }

Memory::Quiet::Quiet() : before_(within) { within = true; }
Memory::Quiet::~Quiet() { within = before_; }

std::uint64_t Memory::load(const volatile void* at, unsigned bytes, int order) {
  if (outside()) return peek(at, bytes);
  const Operation operation;
  if (const Buffered* own = buffered(self(), at)) return own->store.value;
  note_atomic(address(at), bytes, false);
  Location& l = location(at, bytes);
  const std::size_t newest = l.stores.size() - 1;
  const std::size_t older = newest - oldest(l, sequential(order));
  const std::size_t back = choose(1 + std::min(older, kMaxOlder));
  if (back != 0) self().stale.push_back(&l);
  saw(l, newest - back, order);
  return l.stores[newest - back].value;
}

void Memory::store(volatile void* at, unsigned bytes, std::uint64_t value, int order) {
  if (outside()) return poke(at, bytes, value);
  const Operation operation;
  Thread& t = self();
  note_atomic(address(at), bytes, true);
  if (releases(order) || buffered(t, at) != nullptr) drain(t, t.buffer.size());
  const Store store = made(cut(value, bytes), order);
  if (!sequential(order) && choose(2) == 1) {
    (void)location(at, bytes);
    t.buffer.push_back({at, bytes, store, false});
    ++late;
    return;
  }
  arrive(at, bytes, store);
  if (sequential(order)) {
    Location& l = location(at, bytes);
    l.sequential_floor = l.stores.size() - 1;
  }
}

std::uint64_t Memory::rmw(volatile void* at, unsigned bytes, Rmw what, std::uint64_t operand,
                          int order) {
  if (outside()) {
    const std::uint64_t old = peek(at, bytes);
    poke(at, bytes, changed_by(what, old, operand));
    return old;
  }
  const Operation operation;
  Thread& t = self();
  if (releases(order) || buffered(t, at) != nullptr) drain(t, t.buffer.size());
  note_atomic(address(at), bytes, true);
  Location& l = location(at, bytes);
  const Store last = l.stores.back();
  saw(l, l.stores.size() - 1, order);
  exchange(l, at, bytes, cut(changed_by(what, last.value, operand), bytes), order);
  return last.value;
}

std::uint64_t Memory::compare_exchange(volatile void* at, unsigned bytes, std::uint64_t expected,
                                       std::uint64_t value, int order, int failure_order) {
  expected = cut(expected, bytes);
  if (outside()) {
    const std::uint64_t old = peek(at, bytes);
    if (old == expected) poke(at, bytes, value);
    return old;
  }
  const Operation operation;
  Thread& t = self();
  if (releases(order) || buffered(t, at) != nullptr) drain(t, t.buffer.size());
  note_atomic(address(at), bytes, false);
  Location& l = location(at, bytes);
  const std::size_t newest = l.stores.size() - 1;
  // A compare-exchange that fails is a load. It may see an older value if that differs from
  // `expected`.
  std::array<std::size_t, 1 + kMaxOlder> candidates{newest};
  std::size_t n = 1;
  const std::size_t low = oldest(l, sequential(failure_order));
  for (std::size_t i = newest; i-- > low && n < candidates.size();)
    if (l.stores[i].value != expected) candidates[n++] = i;
  const std::size_t chosen = choose(n);
  const std::size_t seen = candidates[chosen];
  if (chosen != 0) t.stale.push_back(&l);
  const Store found = l.stores[seen];
  if (found.value != expected) {
    saw(l, seen, failure_order);
    return found.value;
  }
  note_atomic(address(at), bytes, true);
  saw(l, seen, order);
  exchange(l, at, bytes, cut(value, bytes), order);
  return found.value;
}

void Memory::fence(int order) {
  if (outside()) return;
  const Operation operation;
  Thread& t = self();
  if (acquires(order)) t.clock.join(t.fence_acquired);
  if (sequential(order)) {
    // This is a little stronger than C++: a fence knows all that the fences before it knew.
    t.clock.join(sequential_fences);
    sequential_fences.join(t.clock);
  }
  if (releases(order)) {
    drain(t, t.buffer.size());
    t.fence_released = t.clock;
  }
}

void Memory::release(const void* key) {
  if (outside()) return;
  const Quiet quiet;
  Thread& t = self();
  drain(t, t.buffer.size());
  auto& [run, clock] = keys[key];
  if (std::exchange(run, run_number) != run_number) clock = Clock{};
  clock.join(t.clock);
  ++tick_of(Machine::self());
}

void Memory::acquire(const void* key) {
  if (outside()) return;
  const Quiet quiet;
  if (const auto k = keys.find(key); k != keys.end() && k->second.first == run_number)
    self().clock.join(k->second.second);
}

bool Memory::about_to_wait(unsigned thread) {
  if (!active) return false;
  const Quiet quiet;
  Thread& t = threads[thread];
  if (!t.buffer.empty()) Machine::point();
  drain(t, t.buffer.size());
  for (Location* l : t.stale) l->floor[thread] = l->stores.size() - 1;
  return !std::exchange(t.stale, {}).empty();
}

}  // namespace bab::test::model
