// rte_dev's iterator, unchanged since DPDK 18.11, is still marked experimental.
#define ALLOW_EXPERIMENTAL_API
#include <bab/base/eal.hpp>

#include <strings.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>

#include <bab/base/error.hpp>
#include <bab/detail/diagnosis.hpp>
#include <bab/detail/dpdk/release.hpp>
#include <bab/detail/eal_args.hpp>
#include <bab/detail/eal_use.hpp>

#include "eal_check.hpp"
#include "eal_failure.hpp"
#include "eal_use.hpp"
#include "log_capture.hpp"
#include "stale_socket.hpp"

namespace bab {
namespace {

using detail::has_option;
using detail::option_values;
using detail::pci_address;

std::vector<std::string> vdevs(std::span<const std::string> args) {
  return option_values(args, "--vdev");
}

void check_vdevs(std::span<const std::string> args, const LogCapture* log) {
  for (const std::string& vdev : vdevs(args)) {
    const std::string name = vdev.substr(0, vdev.find(','));
    std::uint16_t id;
    if (rte_eth_dev_get_port_by_name(name.c_str(), &id) == 0) continue;
    // The doctor's finding, if it has one.
    if (const std::string finding =
            detail::diagnosis(std::vector<std::string>{"--vdev", vdev},
                              std::array<std::string_view, 2>{"interface", "user"});
        !finding.empty())
      throw Error(fmt::format("--vdev={} did not become a port: {}", vdev, finding));
    std::string why = log != nullptr ? detail::explain_device_failure(log->text()) : "";
    if (why.empty()) why = "its driver gives no reason";
    throw Error(
        fmt::format("--vdev={} did not become a port: {}; check its driver's arguments "
                    "(--log-level=8 shows the whole log)",
                    vdev, why));
  }
}

bool is_probed(const std::string& pci) {
  rte_dev_iterator it{};
  const rte_device* device;
  RTE_DEV_FOREACH(device, "bus=pci", &it)
  if (strcasecmp(rte_dev_name(device), pci.c_str()) == 0) return rte_dev_is_probed(device) != 0;
  return false;
}

/// Throws Error if EAL could not use an allowed PCI device: EAL itself starts without it.
void check_allowed(std::span<const std::string> args, const LogCapture* log) {
  for (const std::string& device : option_values(args, "--allow")) {
    const std::string pci = pci_address(device);
    if (pci.empty() || is_probed(pci)) continue;
    if (detail::without_pci(args))
      throw Error(
          fmt::format("-a {}: --no-pci keeps EAL from using it; leave one of the two out", device));
    if (access(("/sys/bus/pci/devices/" + pci).c_str(), F_OK) != 0)
      throw Error(
          fmt::format("-a {}: no PCI device has that address; lspci -D lists the devices", device));
    if (const std::string why =
            log != nullptr ? detail::explain_pci_failure(log->text(), pci, args) : "";
        !why.empty())
      throw Error(fmt::format("-a {}: {}", device, why));
    // The doctor's finding about this device, without advice of our own: the user may be logged in
    // through that NIC.
    std::vector<std::string> alone{"-a", pci};
    for (const std::string& plugin : option_values(args, "-d"))
      alone.insert(alone.end(), {"-d", plugin});
    if (const std::string finding =
            detail::diagnosis(alone, std::array<std::string_view, 2>{"nic", "iommu"});
        !finding.empty())
      throw Error(fmt::format("-a {}: {}", device, finding));
    throw Error(
        fmt::format("-a {}: no DPDK driver took that device; dpdk-devbind.py --status shows which "
                    "driver has it",
                    device));
  }
}

}  // namespace

Eal::Eal() = default;
Eal::Eal(Eal&& other) noexcept
    : log_(std::move(other.log_)), owns_(std::exchange(other.owns_, false)) {}

Eal::Eal(std::span<const std::string> args, const detail::Headers& headers) {
  detail::check_headers(headers);
  detail::require_release_built_for("starting EAL");
  detail::require_no_eal();
  detail::check_eal_args(args);
  detail::check_eal_limits(args);
  // The program's own name: before 24.11 EAL passes it to openlog(), and the host's syslog lines
  // then begin with it.
  std::vector<std::string> all{program_invocation_short_name};
  if (!detail::keeps_files(args)) all.emplace_back("--in-memory");
  all.insert(all.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (std::string& a : all) argv.push_back(a.data());
  argv.push_back(nullptr);

  for (const std::string& vdev : vdevs(args)) detail::remove_stale_socket(vdev);

  if (!detail::wants_text(args)) log_ = std::make_unique<LogCapture>();
  const int used = rte_eal_init(static_cast<int>(all.size()), argv.data());
  const int code = rte_errno;
  if (used < 0 && code == EALREADY) throw Error(std::string(detail::kHasAnEal));
  if (used < 0) {
    if (log_ == nullptr) throw Error::from_code("starting EAL", code, "its log above says why");
    throw detail::explain_eal_failure(log_->text(), args);
  }
  owns_ = true;
  detail::eal_started();
  try {
    check_vdevs(args, log_.get());
    check_allowed(args, log_.get());
  } catch (...) {
    detail::end_eal(nullptr);
    throw;
  }
}

Eal Eal::adopt(const detail::Headers& headers) {
  detail::check_headers(headers);
  detail::require_release_built_for("adopting EAL");
  if (rte_lcore_id() == LCORE_ID_ANY)
    throw Error(
        "adopting EAL: this thread is no lcore; call rte_eal_init() or rte_thread_register()");
  if (!detail::eal_is_there())
    throw Error("adopting EAL: EAL was cleaned up, and a process can initialise it only once");
  detail::note_eals_process();
  return Eal();
}

Eal::~Eal() {
  if (owns_) detail::end_eal(std::move(log_));
}

std::vector<unsigned> Eal::workers() const {
  assert(!detail::eal_is_a_parents() && "an Eal was used in a child of fork()");
  std::vector<unsigned> ids;
  unsigned lcore;
  RTE_LCORE_FOREACH_WORKER(lcore) ids.push_back(lcore);
  return ids;
}

}  // namespace bab
