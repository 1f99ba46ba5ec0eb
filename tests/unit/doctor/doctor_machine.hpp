#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_build_config.h>

#include <bab/doctor/doctor.hpp>

namespace bab::test {

/// A fake machine, made of files.
class DoctorMachine : public testing::Test {
 protected:
  DoctorMachine() {
    std::string name = (std::filesystem::temp_directory_path() / "bab-doctor-XXXXXX").string();
    root_ = mkdtemp(name.data());
    put("proc/self/status", "Name:\tx\nUid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n");
    put("sys/devices/system/cpu/online", "0-7\n");
    put("usr/bin/dpdk-devbind.py", "");
  }
  ~DoctorMachine() override { std::filesystem::remove_all(root_); }

  void put(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  void link(const std::string& path, const std::string& target) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::filesystem::create_symlink(target, root_ / path);
  }
  void pages(int node, const std::string& kib, unsigned total, unsigned free) {
    const std::string dir = "sys/devices/system/node/node" + std::to_string(node) +
                            "/hugepages/hugepages-" + kib + "kB/";
    put(dir + "nr_hugepages", std::to_string(total) + "\n");
    put(dir + "free_hugepages", std::to_string(free) + "\n");
  }
  /// Adds a network device. An empty `driver`: the device has no driver.
  void nic(const std::string& address, const std::string& id, const std::string& driver,
           const std::string& interface) {
    const std::string dir = "sys/bus/pci/devices/" + address + "/";
    put(dir + "class", "0x020000\n");
    put(dir + "vendor", "0x" + id.substr(0, 4) + "\n");
    put(dir + "device", "0x" + id.substr(5) + "\n");
    if (!driver.empty()) link(dir + "driver", "../../../bus/pci/drivers/" + driver);
    if (interface.empty()) return;
    put(dir + "net/" + interface + "/flags", "0x1003\n");
    put("sys/class/net/" + interface + "/flags", "0x1002\n");
  }
  void pmd(const std::string& name, const std::string& kmod, const std::string& ids) {
    put_pmd(std::string(RTE_EAL_PMD_PATH).substr(1) + "/librte_net_" + name + ".so", name, kmod,
            ids);
  }
  void put_pmd(const std::string& path, const std::string& name, const std::string& kmod,
               const std::string& ids) {
    put(path, std::string("\x7f"
                          "ELF\0junk\0",
                          10) +
                  "PMD_INFO_STRING= {\"name\": \"net_" + name + "\", \"kmod\": \"" + kmod +
                  "\", \"pci_ids\": " + ids + "}" + std::string(1, '\0') + "more");
  }
  void igb() {
    pmd("igb", "* igb_uio | uio_pci_generic | vfio-pci", "[[32902, 5408, 65535, 65535]]");
  }
  void user(unsigned uid, const std::string& capabilities) {
    const std::string id = std::to_string(uid);
    put("proc/self/status",
        "Uid:\t" + id + "\t" + id + "\t" + id + "\t" + id + "\nCapEff:\t" + capabilities + "\n");
  }

  std::vector<Finding> examine(std::vector<std::string> eal, std::uint64_t memory = 0,
                               std::uint32_t mtu = 0) {
    return bab::examine({root_, std::move(eal), memory, mtu});
  }
  std::vector<Finding> about(std::string_view topic, std::vector<std::string> eal,
                             std::uint64_t memory = 0, std::uint32_t mtu = 0) {
    std::vector<Finding> all = examine(std::move(eal), memory, mtu);
    all.erase(
        std::remove_if(all.begin(), all.end(), [&](const Finding& f) { return f.topic != topic; }),
        all.end());
    return all;
  }
  static auto is(Finding::Level level, const std::string& text, const std::string& mend = "") {
    return testing::AllOf(
        testing::Field("level", &Finding::level, level),
        testing::Field("text", &Finding::text, testing::HasSubstr(text)),
        testing::Field("mend", &Finding::mend,
                       mend.empty()
                           ? testing::Matcher<const std::string&>(testing::IsEmpty())
                           : testing::Matcher<const std::string&>(testing::HasSubstr(mend))));
  }

  std::filesystem::path root_;
};

}  // namespace bab::test
