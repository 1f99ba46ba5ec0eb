#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doctor_machine.hpp"

namespace bab {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct HugepageFiles : test::DoctorMachine {
  HugepageFiles() {
    pages(0, "2048", 512, 512);
    put("proc/mounts", "none /mnt/huge hugetlbfs rw,pagesize=2M 0 0\nproc /proc proc rw 0 0\n");
    put("mnt/huge/nothing_of_eals", "");
  }
  void file(const std::string& name, unsigned mib) {
    put("mnt/huge/" + name, "");
    std::filesystem::resize_file(root_ / "mnt/huge" / name, std::uintmax_t{mib} << 20);
  }
  /// Device and inode, as in proc/PID/maps.
  [[nodiscard]] std::string id(const std::string& name) const {
    struct stat s {};
    EXPECT_EQ(stat((root_ / "mnt/huge" / name).c_str(), &s), 0);
    return fmt::format("{:02x}:{:02x} {}", major(s.st_dev), minor(s.st_dev), s.st_ino);
  }
  std::vector<Finding> found() {
    std::vector<Finding> all;
    for (const Finding& f : about("hugepages", {}))
      if (f.text.find("no process uses") != std::string::npos) all.push_back(f);
    return all;
  }
};

TEST_F(HugepageFiles, ThoseOfEndedProcessesAreNamed) {
  EXPECT_THAT(found(), IsEmpty());
  file("rtemap_0", 2);
  file("rtemap_1", 2);
  file("other_map_7", 1024);
  const std::vector<Finding> all = found();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].text,
            "1 file in /mnt/huge that no process uses keeps 1024 MiB of hugepages: other_map_7");
  EXPECT_EQ(all[0].mend, "rm '/mnt/huge/other_map_'*");
  EXPECT_EQ(all[1].text,
            "2 files in /mnt/huge that no process uses keep 4 MiB of hugepages: rtemap_0 … "
            "rtemap_1");
  EXPECT_EQ(all[1].mend, "rm '/mnt/huge/rtemap_'*");
  EXPECT_EQ(all[1].level, Finding::Level::kWarn);
}

/// A locked or mapped file is in use. The mend then leaves this file alone.
TEST_F(HugepageFiles, ThoseInUseAreLeftAlone) {
  file("rtemap_0", 2);
  file("rtemap_1", 2);
  const int locked = open((root_ / "mnt/huge/rtemap_0").c_str(), O_RDONLY);
  ASSERT_EQ(flock(locked, LOCK_SH), 0);  // as EAL does
  put("proc/4711/maps",
      "140000000-140200000 rw-s 00000000 " + id("rtemap_1") + "  /mnt/huge/rtemap_1\n");
  EXPECT_THAT(found(), IsEmpty());
  put("proc/4711/maps", "");
  const std::vector<Finding> all = found();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_THAT(all[0].text, HasSubstr("keeps 2 MiB of hugepages: rtemap_1"));
  EXPECT_EQ(all[0].mend, "cd '/mnt/huge' && rm rtemap_1");
  close(locked);
  EXPECT_THAT(found(), Contains(testing::Field(&Finding::mend, "rm '/mnt/huge/rtemap_'*")));
}

TEST_F(HugepageFiles, AMountIsLookedAtOnceWhateverItIsCalled) {
  std::filesystem::create_directory_symlink(root_ / "mnt/huge", root_ / "mnt/again");
  file("rtemap_0", 2);
  put("mnt/a b/otmap_0", "");
  put("proc/mounts",
      "none /mnt/huge hugetlbfs rw 0 0\nnone /mnt/again hugetlbfs rw 0 0\n"
      "none /mnt/a\\040b hugetlbfs rw 0 0\n");
  const std::vector<Finding> all = found();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].mend, "rm '/mnt/a b/otmap_'*");
}

TEST_F(HugepageFiles, OtherNamesAreNobodysOrphans) {
  for (const char* name : {"map_0", "rtemap_", "rtemap_x", "rtemap0"}) file(name, 2);
  EXPECT_THAT(found(), IsEmpty());
}

}  // namespace
}  // namespace bab
