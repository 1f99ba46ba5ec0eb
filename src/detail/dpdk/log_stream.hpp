#pragma once

#include <rte_version.h>

namespace bab::detail::dpdk {

/// rte_openlog_stream() closes the stream before, where that is DPDK's own (of the journal, of
/// syslog): since 24.11. Such a stream has no file descriptor; nothing else tells it from an
/// application's.
constexpr bool openlog_may_close_the_stream_before() {
  return RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0);
}

}  // namespace bab::detail::dpdk
