#pragma once

#include <bab/detail/build.hpp>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <bab/detail/headers.hpp>

namespace bab {

class LogCapture;

/// DPDK's environment abstraction layer as an object: it is there, or the constructor has thrown
/// one sentence that says why. EAL can be initialised once in a process's life.
///
/// Pools, rings, channels, ports and loopbacks are a primary process's. In a secondary one
/// (--proc-type=secondary) they can't be made (Error), and a Framer refuses the primary's buffers
/// (`foreign_buffer`): their handle counts are the primary's. The same goes for buffers of another
/// copy of this library in the process, such as a plugin's.
///
/// fork() gives a child none of EAL's threads, and the memory of pools may be one with the
/// parent's: the child must use no Eal, pool, ring, port or buffer of its parent's. It may end in
/// any way: their destructors leave all alone there. What it would make throws Error, and a library
/// that was built with debug checks stops at what it uses. A program that wants both starts its
/// children before EAL, or has them exec() at once.
class Eal {
 public:
  /// `args`: EAL arguments as on a command line, without the program's name. They go through
  /// untouched, but for `--in-memory`, which is added unless --no-huge, --in-memory, --file-prefix,
  /// --huge-unlink,
  /// --proc-type, --huge-dir or --legacy-mem (which excludes it) is there: it leaves no files
  /// behind, even after a kill -9. Every --vdev must have become a port. The calling thread becomes
  /// the main lcore. Throws Error: before EAL is touched where an option is unknown or its value is
  /// of no form that EAL takes, where two exclude each other, where lcores have no CPU that this
  /// process may use (its cpuset), or more threads are needed than it may start (pids.max, ulimit
  /// -u); and where `headers`, which says what the caller was compiled with and is to be left as it
  /// is, doesn't fit the library that runs. Where a start fails for what the machine lacks, the
  /// sentence is the doctor's if the program includes bab/doctor/doctor.hpp (bab/bab.hpp does).
  ///
  /// The process is the host's. File descriptors, signal handlers, the locale and the output of
  /// other threads stay as they are. What DPDK logs is kept back, unless --log-level asks for it,
  /// and a stream that the host gave to rte_openlog_stream() gets it; from DPDK 24.11 on one
  /// without a file descriptor gets it alone, and Error says less then. The library prints one
  /// thing: the words of rte_panic() and rte_exit(), to standard error, at once. What EAL prints
  /// past its log, nobody can keep back: with -h and --log-level=help its usage, to standard
  /// output, and then it ends the process; until 25.11 its usage, where it refuses a value that was
  /// not refused here; until 24.11 one line "EAL: FATAL: …" to standard error where its start
  /// fails; a line of its telemetry's, where a client went before its answer came. Until 24.11 it
  /// calls openlog(), with the program's name: a host that uses syslog calls its own after this.
  explicit Eal(std::span<const std::string> args,
               const detail::Headers& headers = detail::kHeaders);

  /// For a host application that has initialised EAL itself: nothing is initialised or cleaned up.
  /// The host's rte_eal_cleanup() comes after all pools, rings, ports, Packets and buffers have
  /// gone: objects that go later leave what was EAL's alone, but a Packet that is touched then ends
  /// the program. Throws Error when the calling thread is no lcore, or EAL was cleaned up.
  static Eal adopt(const detail::Headers& headers = detail::kHeaders);

  Eal(Eal&&) noexcept;
  Eal& operator=(Eal&&) = delete;
  /// Cleans EAL up, if this object initialised it: now or, when pools, rings, ports or buffers are
  /// there still, after the last of them (a Packet, when the next pool comes or goes; one that is
  /// kept to the end leaves EAL as it is). None can be made after that.
  ~Eal();

  /// The worker lcores: all but the main one, ascending.
  [[nodiscard]] std::vector<unsigned> workers() const;

 private:
  Eal();
  std::unique_ptr<LogCapture> log_;
  bool owns_ = false;
};

/// EAL arguments that need no root, no hugepages and no NIC: two workers, each on a CPU of its own
/// where there are two, and a main lcore that floats over all CPUs this process may use.
std::vector<std::string> embedded_eal_args();

}  // namespace bab
