#include "summary.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "verdict.hpp"

namespace testbab {

BusTotals& BusTotals::operator+=(const BusTotals& o) noexcept {
  messages_in += o.messages_in;
  messages_out += o.messages_out;
  bytes_in += o.bytes_in;
  bytes_out += o.bytes_out;
  frames_in += o.frames_in;
  frames_out += o.frames_out;
  lost += o.lost;
  corrupt += o.corrupt;
  missing += o.missing;
  gaps += o.gaps;
  out_of_order += o.out_of_order;
  disordered += o.disordered;
  duplicates += o.duplicates;
  streams += o.streams;
  unjudged += o.unjudged;
  restarts += o.restarts;
  gathered += o.gathered;
  return *this;
}

void Summary::set_held_apart(const bab::wire::Session& session) {
  const HeldMessages::Sum sum = held.of(session);
  bus.messages_out -= std::min(sum.messages, bus.messages_out);
  bus.bytes_out -= std::min(sum.bytes, bus.bytes_out);
  bus.frames_out -= std::min(sum.frames, bus.frames_out);
  held.set_apart(session, ledger, ledger.rows().size() - 1);
}

std::uint64_t Summary::leaked() const {
  std::uint64_t sum = 0;
  for (const PoolSummary& pool : pools) sum += pool.leaked;
  return sum;
}

int Summary::exit_code() const { return verdict_of(*this).exit_code(strict); }

std::string Summary::fault() const {
  std::string faults;
  const auto add = [&](std::uint64_t n, std::string_view what) {
    if (n > 0) faults += fmt::format("{}{} {}", faults.empty() ? "" : ", ", n, what);
  };
  add(bus.lost, "messages lost");
  add(bus.corrupt, "messages corrupt");
  add(bus.disordered, "frames out of order or repeated");
  add(drops[bab::Drop::kRxMissed], "frames missed by the NIC for lack of descriptors");
  add(drops[bab::Drop::kRxNombuf], "frames dropped by the driver for lack of buffers");
  add(drops[bab::Drop::kTxErrors], "frames that the driver failed to send");
  add(drops[bab::Drop::kTxUnsent], "frames that the NIC had not sent when its port was stopped");
  for (const PortSummary& port : ports)
    add(port.capture_missing,
        fmt::format("bytes missing in {} (is its disk full?)", fmt::join(port.captures, " and ")));
  add(leaked(), "buffers leaked");
  std::uint64_t rows = 0;
  for (const bab::Ledger::Row& row : ledger.rows()) rows += row.balanced() ? 0 : 1;
  add(rows, "rows of the ledger don't add up");
  if (!port_fault.empty()) faults += (faults.empty() ? "" : ", ") + port_fault;
  if (!capture_fault.empty()) faults += (faults.empty() ? "" : ", ") + capture_fault;
  return faults;
}

}  // namespace testbab
