#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "summary.hpp"

namespace testbab {

// Its parts.
nlohmann::ordered_json bus_json(const BusTotals& totals);
nlohmann::ordered_json drops_json(const bab::DropCounters& counters);
nlohmann::ordered_json capture_json(const CaptureSummary& capture);
nlohmann::ordered_json latency_json(const Latency& latency);
nlohmann::ordered_json ledger_json(const bab::Ledger& ledger);

/// The summary as one JSON object.
std::string to_json(const Summary& summary);

/// Where --json goes. Opened before the run, so that a path that can't be written is found at once.
class JsonReport {
 public:
  /// `path`: "-" is standard output, empty is nowhere. Throws bab::Error.
  explicit JsonReport(std::string path);
  /// Throws bab::Error when not all of it got there.
  void write(const std::string& text);

 private:
  struct Closer {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  [[noreturn]] void fail(int code) const;

  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
};

}  // namespace testbab
