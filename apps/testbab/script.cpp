#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include <fmt/format.h>

#include <bab/base/error.hpp>

#include "console.hpp"

namespace testbab {
namespace {

/// How deep files may load other files.
constexpr unsigned kMaxDepth = 8;

class File {
 public:
  explicit File(const std::string& path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) throw bab::Error::from_code(fmt::format("load {}", path), errno);
    struct stat what {};
    if (fstat(fd_, &what) == 0 && S_ISDIR(what.st_mode)) {
      close(fd_);
      throw bab::Error::from_code(fmt::format("load {}", path), EISDIR);
    }
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { close(fd_); }
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

/// Gives a file's lines, each as soon as it is there: the file may be a pipe.
class Lines {
 public:
  Lines(Console& console, int fd) : console_(console), fd_(fd) {}

  /// The next line without its end; false at the end of the file, or on quit.
  bool next(std::string& line) {
    while (true) {
      const std::size_t end = buffer_.find('\n', at_);
      if (end != std::string::npos || (ended_ && at_ < buffer_.size())) {
        line = buffer_.substr(at_, end - at_);
        at_ = end == std::string::npos ? buffer_.size() : end + 1;
        if (!line.empty() && line.back() == '\r') line.pop_back();
        return !console_.quitting();
      }
      if (ended_ || !read_more()) return false;
    }
  }

 private:
  bool read_more() {
    buffer_.erase(0, at_);
    at_ = 0;
    if (buffer_.size() > kLongest) throw bab::Error("the line never ends; is this a text file?");
    if (console_.wait(fd_) != Console::Wake::kInput) return false;
    std::array<char, 4096> part;
    const ssize_t n = read(fd_, part.data(), part.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return true;
    if (n <= 0)
      ended_ = true;
    else
      buffer_.append(part.data(), static_cast<std::size_t>(n));
    return true;
  }

  static constexpr std::size_t kLongest =
      65'536;  // bounds memory; parse() refuses lines that are too long

  Console& console_;
  int fd_;
  std::string buffer_;
  std::size_t at_ = 0;
  bool ended_ = false;
};

}  // namespace

void Console::load(const std::string& path) {
  const File file(path);
  load(file.fd(), path);
}

void Console::load(int fd, const std::string& name) {
  if (depth_ == kMaxDepth)
    throw bab::Error(fmt::format("{} is loaded by {} files that load each other; it isn't read",
                                 name, kMaxDepth));
  struct Deeper {
    unsigned& depth;
    explicit Deeper(unsigned& d) : depth(d) { ++depth; }
    ~Deeper() { --depth; }
  } const deeper(depth_);
  Lines lines(*this, fd);
  std::string line;
  for (unsigned number = 1; !quitting_ && lines.next(line); ++number) {
    if (workbench_.verbose() > 1) print(fmt::format("testbab> {}\n", line));
    try {
      execute(line);
    } catch (const std::exception& e) {  // bab::Error; std::bad_alloc
      const std::string what = fmt::format("{}:{}: {}", name, number, e.what());
      flush();
      if (!keep_going_) throw bab::Error(what);
      std::fputs(fmt::format("testbab: {}\n", what).c_str(), stderr);
      ++failures_;
    }
  }
}

}  // namespace testbab
