#include "system.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "cpu_set.hpp"
#include "eal_threads.hpp"
#include "leading_number.hpp"

namespace bab::detail {

namespace fs = std::filesystem;

std::optional<std::string> System::text(const std::string& path) const {
  std::ifstream file(root_ / path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream read;
  // An empty file sets failbit. A file that can't be read (a directory, a file of an offline CPU)
  // sets badbit in one of the two streams.
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
  return leading_number(digits, base);
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
  return fs::path(target(path)).filename().string();
}

std::string System::target(const std::string& path) const {
  std::error_code error;
  return fs::read_symlink(root_ / path, error).string();
}

bool System::exists(const std::string& path) const {
  std::error_code error;
  return fs::exists(root_ / path, error);
}

std::optional<FileStatus> System::status(const std::string& path) const {
  struct stat s {};
  if (stat((root_ / path).c_str(), &s) != 0) return std::nullopt;
  return FileStatus{
      {fmt::format("{:02x}:{:02x}", major(s.st_dev), minor(s.st_dev)), std::to_string(s.st_ino)},
      static_cast<std::uint64_t>(s.st_size)};
}

bool System::is_unlocked(const std::string& path) const {
  const int fd = open((root_ / path).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool is = flock(fd, LOCK_EX | LOCK_NB) == 0;
  close(fd);
  return is;
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

}  // namespace bab::detail
