#include <bab/base/error.hpp>

#include <cerrno>

#include <gtest/gtest.h>
#include <rte_errno.h>

namespace bab {
namespace {

TEST(Error, SaysWhatWasTriedWhyItFailedAndWhatMendsIt) {
  EXPECT_STREQ(Error::from_code("opening the door", EACCES, "get the key").what(),
               "opening the door: Permission denied; get the key");
}

TEST(Error, MendMayBeMissing) {
  EXPECT_STREQ(Error::from_code("opening", ENOENT).what(), "opening: No such file or directory");
}

TEST(Error, TakesCodesOfEitherSign) {
  EXPECT_STREQ(Error::from_code("x", -ENOMEM).what(), Error::from_code("x", ENOMEM).what());
}

TEST(Error, KnowsDpdksOwnCodes) {
  EXPECT_STREQ(Error::from_code("x", E_RTE_SECONDARY).what(),
               "x: Invalid call in secondary process");
}

}  // namespace
}  // namespace bab
