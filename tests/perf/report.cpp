#include "report.hpp"

#include <cstdio>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

Json number_or_null(double value) { return value > 0 ? Json(value) : Json(nullptr); }

Json to_json(const Result& r) {
  Json j;
  j["name"] = r.spec.name;
  j["ns"] = r.ns;
  j["min_ns"] = r.min_ns;
  j["max_ns"] = r.max_ns;
  j["runs"] = r.runs;
  j["floor_name"] = r.spec.floor_name.empty() ? Json(nullptr) : Json(r.spec.floor_name);
  j["floor_ns"] = number_or_null(r.floor_ns);
  j["floor_min_ns"] = number_or_null(r.floor_min_ns);
  j["floor_max_ns"] = number_or_null(r.floor_max_ns);
  j["ratio"] = number_or_null(r.ratio);
  j["goal"] = number_or_null(r.spec.goal);
  j["unit"] = r.spec.unit;
  j["pingpong_ns"] = number_or_null(r.pingpong_ns);
  j["involuntary_switches"] = r.interruptions;
  j["disturbed_slices"] = r.disturbed;
  return j;
}

std::string goal_text(const Result& r) {
  if (r.spec.goal <= 0) return "";
  return fmt::format("{:.2f} {}", r.spec.goal, r.ratio <= r.spec.goal ? "reached" : "missed");
}

}  // namespace

void print_machine(const Machine& machine) {
  for (const auto& [key, value] : machine) fmt::print("{:12} {}\n", key, value);
  fmt::print("\n");
}

void print_header() {
  fmt::print("{:27} {:>8} {:>17} {:>8} {:>17} {:>6} {:13} {:>5} {:>6}  {}\n", "row", "ns",
             "(min-max)", "floor ns", "(min-max)", "ratio", "goal", "ping", "switch", "floor");
}

void print_row(const Result& r) {
  const auto range = [](double min, double max) {
    return fmt::format("({:.2f}-{:.2f})", min, max);
  };
  if (r.spec.floor_name.empty()) {
    fmt::print("{:27} {:8.2f} {:>17}  {}\n", r.spec.name, r.ns, range(r.min_ns, r.max_ns),
               r.spec.unit);
  } else {
    fmt::print(
        "{:27} {:8.2f} {:>17} {:8.2f} {:>17} {:6.2f} {:13} {:>5} {:>6}  {}\n", r.spec.name, r.ns,
        range(r.min_ns, r.max_ns), r.floor_ns, range(r.floor_min_ns, r.floor_max_ns), r.ratio,
        goal_text(r), r.pingpong_ns > 0 ? fmt::format("{:.0f}", r.pingpong_ns) : "",
        r.disturbed > 0 ? fmt::format("{}!", r.interruptions) : std::to_string(r.interruptions),
        r.spec.floor_name);
  }
  std::fflush(stdout);
}

void write_json(const std::string& path, const Machine& machine,
                const std::vector<Result>& results) {
  Json j;
  for (const auto& [key, value] : machine) j["machine"][key] = value;
  j["rows"] = Json::array();
  for (const Result& r : results) j["rows"].push_back(to_json(r));
  std::ofstream file(path);
  file << j.dump(2) << '\n';
  if (!file.flush()) throw std::runtime_error("writing " + path + " failed");
}

}  // namespace bench
