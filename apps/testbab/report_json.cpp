#include "report_json.hpp"

#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <bab/base/error.hpp>

#include "json_document.hpp"
#include "rx_buffers_view.hpp"
#include "verdict.hpp"

namespace testbab {
namespace {

using Json = nlohmann::ordered_json;

Json ports(const Summary& s) {
  Json all = Json::array();
  for (const PortSummary& p : s.ports) {
    Json offloads = Json::object();
    for (const bab::Capability& c : p.offloads)
      offloads[std::string(c.name)] = {{"by", c.by}, {"why", c.why}};
    all.push_back({{"port", p.id},
                   {"name", p.name},
                   {"driver", p.driver},
                   {"mtu", p.mtu},
                   {"rx_frames", p.stats.rx_frames},
                   {"rx_bytes", p.stats.rx_bytes},
                   {"tx_frames", p.stats.tx_frames},
                   {"tx_bytes", p.stats.tx_bytes},
                   {"rx_missed", p.stats.rx_missed},
                   {"rx_nombuf", p.stats.rx_nombuf},
                   {"rx_errors", p.stats.rx_errors},
                   {"tx_errors", p.stats.tx_errors},
                   {"left", p.left},
                   {"rx_buffers", rx_buffers_json(p.rx_buffers)},
                   {"gathered", p.gathered},
                   {"offloads", offloads}});
  }
  return all;
}

Json events(const Summary& s) {
  Json all = Json::array();
  for (const EventSummary& e : s.events)
    all.push_back({{"seconds", e.seconds},
                   {"port", e.port},
                   {"what", e.what},
                   {"doubtful_frames", e.doubtful_frames}});
  return all;
}

Json writers(const Summary& s) {
  Json all = Json::array();
  for (const WriterSummary& w : s.writers)
    all.push_back({{"id", w.flushed.id},
                   {"messages", w.flushed.messages},
                   {"bytes", w.flushed.bytes},
                   {"frames", w.flushed.frames},
                   {"dropped_messages", w.flushed.dropped_messages},
                   {"gathered", w.stats.gathered},
                   {"starved", w.stats.starved},
                   {"capped", w.stats.capped},
                   {"stalls", w.stats.stalls},
                   {"stalled_cycles", w.stats.stalled_tsc}});
  return all;
}

Json pools(const Summary& s) {
  Json all = Json::array();
  for (const PoolSummary& p : s.pools)
    all.push_back(
        {{"name", p.name}, {"buffers", p.buffers}, {"leaked", p.leaked}, {"held", p.held}});
  return all;
}

Json lcores(const Summary& s) {
  Json all = Json::array();
  for (const LcoreSummary& l : s.lcores)
    all.push_back({{"lcore", l.lcore},
                   {"cpu", l.cpu},
                   {"turns", l.turns},
                   {"busy_cycles", l.busy_cycles},
                   {"idle_cycles", l.idle_cycles},
                   {"idle", bab::idle_name(l.idle)}});
  return all;
}

}  // namespace

Json bus_json(const BusTotals& b) {
  return {{"messages_in", b.messages_in},
          {"messages_out", b.messages_out},
          {"bytes_in", b.bytes_in},
          {"bytes_out", b.bytes_out},
          {"frames_in", b.frames_in},
          {"frames_out", b.frames_out},
          {"lost", b.lost},
          {"corrupt", b.corrupt},
          {"missing", b.missing},
          {"gaps", b.gaps},
          {"out_of_order", b.out_of_order},
          {"duplicates", b.duplicates},
          {"streams", b.streams},
          {"unjudged", b.unjudged},
          {"restarts", b.restarts},
          {"gathered", b.gathered}};
}

Json drops_json(const bab::DropCounters& counters) {
  Json all = Json::object();
  for (std::size_t i = 1; i < bab::kDrops; ++i) {
    const auto reason = static_cast<bab::Drop>(i);
    all[std::string(bab::drop_name(reason))] = counters[reason];
  }
  return all;
}

Json ledger_json(const bab::Ledger& l) {
  Json rows = Json::array();
  for (const bab::Ledger::Row& row : l.rows()) {
    Json out = Json::object();
    for (const auto& [name, n] : row.out) out[name] = n;
    rows.push_back({{"name", row.name},
                    {"in", row.in},
                    {"out", out},
                    {"balanced", row.balanced()},
                    {"unaccounted", row.unaccounted()}});
  }
  return {{"balanced", l.balanced()}, {"terms", rows}};
}

Json latency_json(const Latency& l) {
  return {{"count", l.count},   {"min_ns", l.min_ns}, {"mean_ns", l.mean_ns},  {"p50_ns", l.p50_ns},
          {"p90_ns", l.p90_ns}, {"p99_ns", l.p99_ns}, {"p999_ns", l.p999_ns},  {"max_ns", l.max_ns},
          {"late", l.late},     {"lost", l.lost},     {"given_up", l.given_up}};
}

nlohmann::ordered_json capture_json(const CaptureSummary& c) {
  return {{"path", c.path},
          {"wanted", c.stats.wanted},
          {"written", c.stats.written},
          {"missed", c.stats.missed},
          {"failed", c.stats.failed}};
}

std::string to_json(const Summary& s) {
  Json all{
      {"schema", kJsonSchema},  {"engine", s.engine},           {"version", BAB_VERSION},
      {"seconds", s.seconds},   {"interrupted", s.interrupted}, {"exit_code", s.exit_code()},
      {"ports", ports(s)},      {"events", events(s)},          {"more_events", s.more_events},
      {"bus", bus_json(s.bus)}, {"drops", drops_json(s.drops)}, {"ledger", ledger_json(s.ledger)},
      {"pools", pools(s)},      {"lcores", lcores(s)}};
  const Verdict verdict = verdict_of(s);
  all["verdict"] = {{"grade", grade_name(verdict.grade)},
                    {"fault", verdict.fault},
                    {"reservations", verdict.reservations}};
  if (!s.writers.empty()) all["bus"]["writers"] = writers(s);
  if (s.capture) all["capture"] = capture_json(*s.capture);
  if (s.replay)
    all["replay"] = {{"messages", s.replay->messages}, {"duplicates", s.replay->duplicates}};
  if (!s.notes.empty()) all["notes"] = s.notes;
  if (s.latency) all["latency"] = latency_json(*s.latency);
  // A device's name may have any bytes: it is from --vdev.
  return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

JsonReport::JsonReport(std::string path) : path_(std::move(path)) {
  if (path_.empty() || path_ == "-") return;
  file_.reset(std::fopen(path_.c_str(), "w"));
  if (file_ == nullptr) fail(errno);
}

void JsonReport::fail(int code) const {
  throw bab::Error::from_code(
      fmt::format("--json={}: writing the report", path_), code,
      path_ == "-" ? "redirect standard output to where there is room" : "choose another file");
}

void JsonReport::write(const std::string& text) {
  if (path_.empty()) return;
  std::FILE* out = file_ ? file_.get() : stdout;
  if (std::fwrite(text.data(), 1, text.size(), out) != text.size() || std::fflush(out) != 0)
    fail(errno);
  // Some file systems report a full disk only now.
  if (file_ && std::fclose(file_.release()) != 0) fail(errno);
}

}  // namespace testbab
