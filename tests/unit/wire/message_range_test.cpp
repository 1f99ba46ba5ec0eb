#include <bab/wire/message_range.hpp>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "made_frame.hpp"

namespace bab::wire {
namespace {

using testing::ElementsAre;

static_assert(std::input_iterator<MessageRange::Iterator>);

std::vector<std::string> texts_of(const MessageRange& range) {
  std::vector<std::string> all;
  for (const auto message : range) all.emplace_back(message.begin(), message.end());
  return all;
}

TEST(MessageRange, GivesEachMessageWhereItIs) {
  const test::Bytes blocks{0, 2, 'a', 'b', 0, 0, 0, 1, 'c'};
  EXPECT_THAT(texts_of(MessageRange(blocks)), ElementsAre("ab", "", "c"));
  EXPECT_EQ((*MessageRange(blocks).begin()).data(), blocks.data() + 2);
}

TEST(MessageRange, OfNoBlocksIsEmpty) {
  EXPECT_THAT(texts_of(MessageRange(std::span<const std::uint8_t>())), ElementsAre());
  EXPECT_THAT(texts_of(MessageRange()), ElementsAre());
}

TEST(MessageRange, ReadsALengthBigEndian) {
  test::Bytes blocks(2 + 0x0102 + 2 + 0xffff, 'x');
  blocks[0] = 1;
  blocks[1] = 2;
  blocks[2 + 0x0102] = blocks[2 + 0x0102 + 1] = 0xff;
  const MessageRange range(blocks);
  std::vector<std::size_t> sizes;
  std::transform(range.begin(), range.end(), std::back_inserter(sizes),
                 [](auto message) { return message.size(); });
  EXPECT_THAT(sizes, ElementsAre(0x0102U, 0xffffU));
}

}  // namespace
}  // namespace bab::wire
