#include "memory.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "machine.hpp"

namespace bab::test::model {
namespace {

constexpr unsigned kMostThreads = 5;
/// Older values that a load may see, at most: those further back differ from them in age only.
constexpr std::size_t kMostOlder = 3;

using Tick = std::uint16_t;  // small: every byte of shadow has many

/// How much of each thread's doing is known.
struct Clock {
  std::array<Tick, kMostThreads> at{};

  void join(const Clock& other) noexcept {
    for (unsigned i = 0; i < kMostThreads; ++i) at[i] = std::max(at[i], other.at[i]);
  }
  [[nodiscard]] bool knows(unsigned thread, Tick tick) const noexcept { return at[thread] >= tick; }
};

struct Store {
  std::uint64_t value = 0;
  unsigned thread = 0;
  Tick tick = 0;   // 0: before the run, known to all
  Clock released;  // what an acquire of this one learns
};

/// An atomic object, and who has seen how much of it.
struct Location {
  std::vector<Store> stores;  // in modification order
  std::array<std::vector<std::pair<Tick, std::size_t>>, kMostThreads> reads;
  std::array<std::size_t, kMostThreads> floor{};
  std::size_t sequential_floor =
      0;  // newest that a sequentially consistent operation saw or stored
  std::uint32_t run = 0;
  bool overwritten = false;  // by a plain store
  unsigned writer = 0;
  Tick written = 0;
};

struct Buffered {
  volatile void* at;
  unsigned bytes;
  Store store;
  bool bypassed;
};

struct Thread {
  Clock clock;
  Clock fence_released;
  Clock fence_acquired;
  std::vector<Buffered> buffer;
  std::vector<Location*> stale;
};

/// A byte of watched memory: the last plain store, and of each thread the last of its other accesses.
struct Byte {
  std::uint32_t run = 0;
  Tick written = 0;
  std::uint8_t writer = 0;
  bool is_atomic = false;  // part of a Location
  std::array<Tick, kMostThreads> read{}, atomic_read{}, atomic_write{};
};

struct Range {
  std::uintptr_t from, to;
  std::vector<Byte> bytes;
  std::uint32_t run = 0;
  std::vector<std::uintptr_t> touched;  // in that run
};

struct Extent {
  std::uintptr_t from, to;
};

// All of it is for one thread: the one that the Machine runs on.
bool active = false;
bool within = false;  // an access made here is no thread's
std::uint32_t run_number = 0;
unsigned weak_left = 0;
std::size_t late = 0;  // stores in all buffers
std::array<Thread, kMostThreads> threads;
std::unordered_map<std::uintptr_t, Location> locations;
std::unordered_map<const void*, std::pair<std::uint32_t, Clock>> keys;
std::vector<Range> ranges;
std::uintptr_t lowest = 0, highest = 0;  // of all ranges
std::vector<std::vector<Byte>> spare_shadows;
std::vector<Extent> free_extents;
Clock sequential_fences;

std::uintptr_t address(const volatile void* p) noexcept {
  return reinterpret_cast<std::uintptr_t>(p);
}

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

Thread& self() noexcept { return threads[Machine::self()]; }
Tick& tick_of(unsigned thread) noexcept { return threads[thread].clock.at[thread]; }

Range* range_of(std::uintptr_t at) noexcept {
  for (Range& r : ranges)
    if (at >= r.from && at < r.to) return &r;
  return nullptr;
}

Byte& byte_at(Range& r, std::uintptr_t at) noexcept {
  Byte& b = r.bytes[at - r.from];
  if (b.run == run_number) return b;
  b = Byte{.run = run_number};
  if (std::exchange(r.run, run_number) != run_number) r.touched.clear();
  r.touched.push_back(at);
  return b;
}

[[noreturn]] void race(const char* what, std::uintptr_t at) {
  const Range* r = range_of(at);
  Machine::fail(std::string("race: ") + what + " by thread " + std::to_string(Machine::self()) +
                " at byte " + std::to_string(at - (r != nullptr ? r->from : 0)) + " of range " +
                std::to_string(r != nullptr ? r - ranges.data() : -1));
  std::abort();
}

bool unknown(const Clock& clock, const std::array<Tick, kMostThreads>& last) noexcept {
  for (unsigned i = 0; i < kMostThreads; ++i)
    if (last[i] > clock.at[i]) return true;
  return false;
}

void check_free(std::uintptr_t at) {
  for (const Extent& e : free_extents)
    if (at >= e.from && at < e.to) race("access to a free buffer", at);
}

void note_atomic(std::uintptr_t at, unsigned bytes, bool is_write) {
  Range* r = range_of(at);
  if (r == nullptr) return;
  if (!free_extents.empty()) check_free(at);
  const unsigned me = Machine::self();
  const Clock& clock = self().clock;
  for (unsigned i = 0; i < bytes; ++i) {
    Byte& b = byte_at(*r, at + i);
    b.is_atomic = true;
    if (!clock.knows(b.writer, b.written)) race("atomic access against a plain store", at);
    if (is_write && unknown(clock, b.read)) race("atomic store against a plain load", at);
    (is_write ? b.atomic_write : b.atomic_read)[me] = tick_of(me);
  }
}

/// The location, with a history that begins with what is there now.
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
    // A plain store, whose thread must be known to whoever comes now: else it is a race.
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
  // What anyone saw that we know of, we don't see anything older than.
  for (unsigned t = 0; t < kMostThreads; ++t)
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

/// The store of a read-modify-write, which carries on what the store it replaces released.
void exchange(Location& l, volatile void* at, unsigned bytes, std::uint64_t value, int order) {
  Store next = made(value, order);
  next.released.join(l.stores.back().released);
  arrive(at, bytes, next);
  if (sequential(order)) l.sequential_floor = l.stores.size() - 1;
}

void drain(Thread& t, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    arrive(t.buffer[i].at, t.buffer[i].bytes, t.buffer[i].store);
  t.buffer.erase(t.buffer.begin(), t.buffer.begin() + static_cast<std::ptrdiff_t>(count));
  late -= count;
}

bool overlaps(const std::vector<Buffered>& buffer, std::uintptr_t from,
              std::uintptr_t to) noexcept {
  return std::any_of(buffer.begin(), buffer.end(), [=](const Buffered& b) {
    return address(b.at) < to && from < address(b.at) + b.bytes;
  });
}

const Buffered* buffered(const Thread& t, const volatile void* at) noexcept {
  for (auto b = t.buffer.rbegin(); b != t.buffer.rend(); ++b)
    if (b->at == at) return &*b;
  return nullptr;
}

/// Begins every operation: another thread may go on; stores that one operation has overtaken arrive.
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

void bound() noexcept {
  lowest = UINTPTR_MAX;
  highest = 0;
  for (const Range& r : ranges) {
    lowest = std::min(lowest, r.from);
    highest = std::max(highest, r.to);
  }
}

/// Is none of the run's, or what is done here itself.
bool outside() noexcept { return !active || within; }

/// One of `choices`, of which all but the first are weak.
std::size_t choose(std::size_t choices) {
  if (choices <= 1 || weak_left == 0) return 0;
  const std::size_t k = Machine::choose(choices);
  if (k != 0) --weak_left;
  return k;
}

}  // namespace

void Memory::start(unsigned weak) {
  ++run_number;
  weak_left = weak;
  for (unsigned i = 0; i < kMostThreads; ++i) {
    threads[i].clock = threads[i].fence_released = threads[i].fence_acquired = Clock{};
    threads[i].buffer.clear();
    threads[i].stale.clear();
    tick_of(i) = 1;
  }
  sequential_fences = Clock{};
  late = 0;
  within = false;
  active = true;
}

void Memory::stop() { active = false; }

void Memory::thread_begins() { within = false; }

Memory::Quiet::Quiet() : before_(within) { within = true; }
Memory::Quiet::~Quiet() { within = before_; }

Memory::Watched::Watched(const void* at, std::size_t bytes) : from_(address(at)) {
  // What an earlier one used will do: bytes of other runs count as untouched.
  std::vector<Byte> shadow;
  if (!spare_shadows.empty()) {
    shadow = std::move(spare_shadows.back());
    spare_shadows.pop_back();
  }
  if (shadow.size() < bytes) shadow.resize(bytes);
  ranges.push_back({from_, from_ + bytes, std::move(shadow), 0, {}});
  bound();
}

Memory::Watched::~Watched() {
  const auto mine = [this](const auto& r) { return r.from == from_; };
  const auto r = std::find_if(ranges.begin(), ranges.end(), mine);
  std::erase_if(free_extents, [&](const Extent& e) { return e.from >= r->from && e.from < r->to; });
  spare_shadows.push_back(std::move(r->bytes));
  ranges.erase(r);
  bound();
}

std::uint64_t Memory::load(const volatile void* at, unsigned bytes, int order) {
  if (outside()) return peek(at, bytes);
  const Operation operation;
  if (const Buffered* own = buffered(self(), at)) return own->store.value;
  note_atomic(address(at), bytes, false);
  Location& l = location(at, bytes);
  const std::size_t newest = l.stores.size() - 1;
  const std::size_t older = newest - oldest(l, sequential(order));
  const std::size_t back = choose(1 + std::min(older, kMostOlder));
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
  // One that fails is a load: it may see what is older, as long as it differs.
  std::array<std::size_t, 1 + kMostOlder> candidates{newest};
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
    // Stronger than C++ by a little: one fence knows all that those before it knew.
    t.clock.join(sequential_fences);
    sequential_fences.join(t.clock);
  }
  if (releases(order)) {
    drain(t, t.buffer.size());
    t.fence_released = t.clock;
  }
}

void Memory::plain(const void* at, std::size_t bytes, bool is_write) {
  const auto from = reinterpret_cast<std::uintptr_t>(at);
  if (!active || within || ((from < lowest || from >= highest) && late == 0)) return;
  const Quiet quiet;
  // What a thread has stored itself it sees.
  if (late > 0 && overlaps(self().buffer, from, from + bytes)) drain(self(), self().buffer.size());
  Range* r = range_of(from);
  if (r == nullptr) return;
  if (!free_extents.empty()) check_free(from);
  const unsigned me = Machine::self();
  const Clock& clock = self().clock;
  const std::uintptr_t to = std::min(from + bytes, r->to);
  for (std::uintptr_t a = from; a < to; ++a) {
    Byte& b = byte_at(*r, a);
    if (!clock.knows(b.writer, b.written))
      race(is_write ? "store against a store" : "load against a store", a);
    if (unknown(clock, b.atomic_write)) race("plain access against an atomic store", a);
    if (!is_write) {
      b.read[me] = tick_of(me);
      continue;
    }
    if (unknown(clock, b.read)) race("store against a load", a);
    if (unknown(clock, b.atomic_read)) race("plain store against an atomic load", a);
    b.written = tick_of(me);
    b.writer = static_cast<std::uint8_t>(me);
    if (b.is_atomic)
      if (const auto l = locations.find(a); l != locations.end() && l->second.run == run_number) {
        l->second.overwritten = true;
        l->second.writer = me;
        l->second.written = tick_of(me);
      }
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

void Memory::freed(const void* at, std::size_t bytes) {
  const bool none_of_ours = outside();
  const Quiet quiet;
  Range* r = range_of(address(at));
  if (r == nullptr) return;
  const std::uintptr_t from = address(at), to = std::min(from + bytes, r->to);
  if (!none_of_ours && r->run == run_number)
    // As good as a store to all of it: who had it must have been done with it.
    for (const std::uintptr_t a : r->touched) {
      if (a < from || a >= to) continue;
      const Byte& b = byte_at(*r, a);
      const Clock& clock = self().clock;
      if (!clock.knows(b.writer, b.written) || unknown(clock, b.read) ||
          unknown(clock, b.atomic_read) || unknown(clock, b.atomic_write))
        race("a buffer is freed against an access", a);
    }
  free_extents.push_back({from, to});
}

void Memory::allocated(const void* at) {
  const Quiet quiet;
  std::erase_if(free_extents, [at](const Extent& e) { return e.from == address(at); });
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
