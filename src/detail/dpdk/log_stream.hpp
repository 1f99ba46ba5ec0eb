#pragma once

#include <rte_version.h>

namespace bab::detail::dpdk {

/// Since 24.11 rte_openlog_stream() closes the previous stream if DPDK opened that stream itself
/// (for the journal or syslog). Such a stream has no file descriptor. Nothing else distinguishes it
/// from an application's.
constexpr bool openlog_may_close_the_stream_before() {
  return RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0);
}

}  // namespace bab::detail::dpdk
