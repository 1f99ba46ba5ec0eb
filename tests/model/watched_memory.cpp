#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "memory.hpp"
#include "memory_run.hpp"

/// Finds races of plain accesses to watched memory, and of accesses to buffers that are freed.
namespace bab::test::model {

using namespace memory_run;

namespace {

/// A byte of watched memory: the last plain store to it, and each thread's last access of every
/// other kind.
struct Byte {
  std::uint32_t run = 0;
  Tick written = 0;
  std::uint8_t writer = 0;
  bool is_atomic = false;  // part of a Location
  std::array<Tick, kMaxThreads> read{}, atomic_read{}, atomic_write{};
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

std::vector<Range> ranges;
std::uintptr_t lowest = 0, highest = 0;  // of all ranges
std::vector<std::vector<Byte>> spare_shadows;
std::vector<Extent> free_extents;

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

bool unknown(const Clock& clock, const std::array<Tick, kMaxThreads>& last) noexcept {
  for (unsigned i = 0; i < kMaxThreads; ++i)
    if (last[i] > clock.at[i]) return true;
  return false;
}

void check_free(std::uintptr_t at) {
  for (const Extent& e : free_extents)
    if (at >= e.from && at < e.to) race("access to a free buffer", at);
}

bool overlaps(const std::vector<Buffered>& buffer, std::uintptr_t from,
              std::uintptr_t to) noexcept {
  return std::any_of(buffer.begin(), buffer.end(), [=](const Buffered& b) {
    return address(b.at) < to && from < address(b.at) + b.bytes;
  });
}

void bound() noexcept {
  lowest = UINTPTR_MAX;
  highest = 0;
  for (const Range& r : ranges) {
    lowest = std::min(lowest, r.from);
    highest = std::max(highest, r.to);
  }
}

}  // namespace

void memory_run::note_atomic(std::uintptr_t at, unsigned bytes, bool is_write) {
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

Memory::Watched::Watched(const void* at, std::size_t bytes) : from_(address(at)) {
  // The shadow of an earlier object is used again: bytes of other runs count as untouched.
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

void Memory::plain(const void* at, std::size_t bytes, bool is_write) {
  const auto from = reinterpret_cast<std::uintptr_t>(at);
  if (!active || within || ((from < lowest || from >= highest) && late == 0)) return;
  const Quiet quiet;
  // A thread sees its own stores. Late ones arrive first.
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

void Memory::freed(const void* at, std::size_t bytes) {
  const bool none_of_ours = outside();
  const Quiet quiet;
  Range* r = range_of(address(at));
  if (r == nullptr) return;
  const std::uintptr_t from = address(at), to = std::min(from + bytes, r->to);
  if (!none_of_ours && r->run == run_number)
    // This is like a store to the whole buffer: all accesses to it must have happened before.
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

}  // namespace bab::test::model
