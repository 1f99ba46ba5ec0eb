#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <rte_eal.h>

#include <bab/base/error.hpp>

namespace bab::test {

/// The output of a child process. EAL can be initialised only once in a process, so each test has a
/// child.
struct Said {
  std::string result;  ///< what the child's function returned, or "Error: " and its sentence
  std::string output;  ///< on standard output and standard error
  int status = -1;
};

inline std::string read_all(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  return text;
}

/// `exits`: it ends as main() does, and destroys static objects.
inline Said in_child(const std::function<std::string()>& work, bool exits = false) {
  int result[2];
  std::FILE* output = std::tmpfile();
  if (output == nullptr || pipe(result) != 0) return {};
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    dup2(fileno(output), STDOUT_FILENO);
    dup2(fileno(output), STDERR_FILENO);
    std::string text;
    try {
      text = work();
    } catch (const Error& e) {
      text = std::string("Error: ") + e.what();
    }
    std::fflush(nullptr);
    (void)!write(result[1], text.data(), text.size());
    if (exits) std::exit(0);
    _exit(0);
  }
  close(result[1]);
  Said said;
  said.result = read_all(result[0]);
  close(result[0]);
  waitpid(child, &said.status, 0);
  lseek(fileno(output), 0, SEEK_SET);
  said.output = read_all(fileno(output));
  std::fclose(output);
  return said;
}

inline const std::vector<std::string> kPlain{"--no-huge",      "--no-shconf", "--no-pci",
                                             "--no-telemetry", "-m",          "16",
                                             "--lcores",       "0@0,1@0,3@0"};

inline std::vector<std::string> plain_and(std::vector<std::string> more) {
  std::vector<std::string> args = kPlain;
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

/// Starts EAL as a host application does. False: EAL didn't start.
inline bool init_eal(const std::vector<std::string>& args) {
  static std::vector<std::string> all;  // EAL may keep the pointers
  all = args;
  all.insert(all.begin(), "host");
  std::vector<char*> argv;
  for (std::string& a : all) argv.push_back(a.data());
  return rte_eal_init(static_cast<int>(argv.size()), argv.data()) >= 0;
}

}  // namespace bab::test
