#pragma once

#include <bab/detail/build.hpp>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <bab/detail/headers.hpp>

namespace bab {

class LogCapture;

/// DPDK's environment abstraction layer (EAL) as an object. When the constructor returns, EAL is
/// initialised; if that fails, the constructor throws one sentence that says why. A process can
/// initialise EAL only once.
///
/// Pools, rings, channels, ports and loopbacks exist only in a primary process. In a secondary
/// process (--proc-type=secondary) their constructors throw Error, and a Framer drops the primary's
/// buffers (`foreign_buffer`), because their handle counts belong to the primary. The same holds
/// for buffers of another copy of this library in the process, such as a plugin's.
///
/// A child of fork() has none of EAL's threads, and may share the memory of pools with its parent.
/// The child must use no Eal, pool, ring, port or buffer of its parent. It may end in any way:
/// their destructors do nothing there. Constructors in the child throw Error. A library that was
/// built with debug checks stops the child where it uses such an object. A program that needs EAL
/// and children starts the children before EAL, or lets them call exec() at once.
class Eal {
 public:
  /// `args`: EAL arguments as on a command line, without the program's name. They are passed on
  /// unchanged. --in-memory is added, so that EAL leaves no files behind, even after a kill -9. It
  /// is not added if one of --no-huge, --in-memory, --file-prefix, --huge-unlink, --proc-type,
  /// --huge-dir or --legacy-mem (which excludes it) is given. The calling thread becomes the main
  /// lcore.
  ///
  /// Throws Error before EAL is touched if an option is unknown, a value has a form that EAL
  /// doesn't take, two options exclude each other, an lcore has no CPU that this process may use
  /// (its cpuset), EAL needs more threads than the process may start (pids.max, ulimit -u), or
  /// `headers` doesn't fit the library that runs. `headers` says what the caller was compiled with:
  /// leave it at its default.
  ///
  /// Throws Error after that if EAL doesn't start, a --vdev did not become a port, or no DPDK
  /// driver took a PCI device that -a names. If the machine lacks something, the sentence is the
  /// doctor's, provided that the program includes bab/doctor/doctor.hpp (bab/bab.hpp does).
  ///
  /// The process belongs to the host application: file descriptors, signal handlers, the locale and
  /// the output of other threads stay as they are. DPDK's log is held back, unless --log-level,
  /// --help or -v is given. A stream that the host gave to rte_openlog_stream() still gets the log.
  /// Since DPDK 24.11 a stream without a file descriptor gets the log alone, and Error then says
  /// less. The library prints only one thing: the text of rte_panic() and rte_exit(), to standard
  /// error, at once.
  ///
  /// EAL prints some text past its log, which nobody can hold back. With -h and --log-level=help it
  /// prints its usage to standard output and ends the process. Before 25.11 it prints its usage if
  /// it refuses a value that was not refused here. Before 24.11 it prints one line "EAL: FATAL: …"
  /// to standard error if its start fails. Its telemetry prints a line if a client left before its
  /// answer came. Before 24.11 EAL also calls openlog() with the program's name: a host that uses
  /// syslog calls its own openlog() after this constructor.
  explicit Eal(std::span<const std::string> args,
               const detail::Headers& headers = detail::kHeaders);

  /// For a host application that has initialised EAL itself: this object neither initialises EAL
  /// nor cleans it up. The host calls rte_eal_cleanup() after all pools, rings, ports, Packets and
  /// buffers have gone. Objects that are destroyed later leave EAL's memory alone, but a Packet
  /// that is used later ends the program. Throws Error if the calling thread is no lcore, EAL was
  /// cleaned up, or `headers` (see above) doesn't fit.
  static Eal adopt(const detail::Headers& headers = detail::kHeaders);

  Eal(Eal&&) noexcept;
  Eal& operator=(Eal&&) = delete;
  /// Cleans up EAL if this object initialised it: at once or, while pools, rings, ports or buffers
  /// exist, after the last of them has gone. A last Packet ends EAL when the next pool is created
  /// or destroyed; if none is, EAL stays as it is. No pool, ring or port can be created once EAL is
  /// cleaned up.
  ~Eal();

  /// The worker lcores, which are all but the main one, in ascending order.
  [[nodiscard]] std::vector<unsigned> workers() const;

 private:
  Eal();
  std::unique_ptr<LogCapture> log_;
  bool owns_ = false;
};

/// EAL arguments that need no root, no hugepages and no NIC: 256 MiB of memory, a main lcore that
/// may run on every CPU of the calling thread's affinity, and two workers, each on a CPU of its own
/// if there are two CPUs.
std::vector<std::string> embedded_eal_args();

}  // namespace bab
