#include "system.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "../eal_threads.hpp"

namespace bab::doctor {

namespace fs = std::filesystem;

std::optional<std::string> System::text(const std::string& path) const {
  std::ifstream file(root_ / path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream read;
  // An empty file sets failbit; one that can't be read (a directory, an offline CPU's) badbit, on one of the two.
  read << file.rdbuf();
  if (file.bad() || read.bad()) return std::nullopt;
  std::string all = read.str();
  constexpr std::string_view kBlank = " \t\n\r";
  all.erase(all.find_last_not_of(kBlank) + 1);
  all.erase(0, std::min(all.find_first_not_of(kBlank), all.size()));
  return all;
}

std::optional<std::uint64_t> System::number(const std::string& path, int base) const {
  const auto all = text(path);
  if (!all) return std::nullopt;
  std::string_view digits = *all;
  if (base == 16 && digits.starts_with("0x")) digits.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end == digits.data()) return std::nullopt;
  return value;
}

std::vector<std::string> System::lines(const std::string& path) const {
  std::istringstream all(text(path).value_or(""));
  std::vector<std::string> found;
  for (std::string line; std::getline(all, line);) found.push_back(line);
  return found;
}

std::vector<std::string> System::list(const std::string& path) const {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it(root_ / path, error), end; !error && it != end;
       it.increment(error))
    names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string System::link(const std::string& path) const {
  std::error_code error;
  return fs::read_symlink(root_ / path, error).filename().string();
}

bool System::exists(const std::string& path) const {
  std::error_code error;
  return fs::exists(root_ / path, error);
}

bool System::is_usable_by(const std::string& path, std::uint64_t uid) const {
  struct stat s {};
  if (stat((root_ / path).c_str(), &s) != 0) return false;
  const unsigned mode = s.st_uid == uid ? s.st_mode >> 6 : s.st_mode;
  return (mode & 06) == 06;
}

std::vector<unsigned> System::online_cpus() const {
  return parse_set(text("sys/devices/system/cpu/online").value_or(""));
}

std::vector<unsigned> System::usable_cpus() const {
  return root_ == "/" ? detail::usable_cpus() : allowed_in_files();
}

std::vector<unsigned> System::own_cpus() const {
  return root_ == "/" ? detail::own_cpus() : allowed_in_files();
}

std::vector<unsigned> System::allowed_in_files() const {
  for (const std::string& line : lines("proc/self/status"))
    if (line.starts_with("Cpus_allowed_list:"))
      return parse_set(std::string_view(line).substr(line.find_last_of('\t') + 1));
  return online_cpus();
}

std::vector<unsigned> parse_set(std::string_view text, bool either_way) {
  constexpr unsigned kMost = 4096;
  std::vector<unsigned> set;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    unsigned first = 0, last = 0;
    auto [next, error] = std::from_chars(at, end, first);
    if (error != std::errc() || first >= kMost) break;
    last = first;
    if (next < end && *next == '-') {
      const auto range = std::from_chars(next + 1, end, last);
      if (range.ec != std::errc() || last >= kMost) break;
      next = range.ptr;
      if (either_way && last < first) std::swap(first, last);
    }
    for (unsigned i = first; i <= last; ++i) set.push_back(i);
    if (next >= end || *next != ',') break;
    at = next + 1;
  }
  return set;
}

std::string enumerate(const std::vector<std::string>& items) {
  std::string all;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) all += i + 1 < items.size() ? ", " : " and ";
    all += items[i];
  }
  return all;
}

std::string enumerate(const std::vector<unsigned>& items) {
  std::vector<std::string> words;
  for (unsigned i : items) words.push_back(fmt::to_string(i));
  return enumerate(words);
}

}  // namespace bab::doctor
