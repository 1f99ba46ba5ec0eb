/// The order in which EAL and the objects that need it are destroyed.
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include <sys/mman.h>

#include <bab/base/eal.hpp>
#include <bab/base/spsc_ring.hpp>
#include <bab/lcore/channel.hpp>
#include <bab/memory/buffer_pool.hpp>
#include <bab/memory/packet.hpp>
#include <bab/message/local_writer.hpp>
#include <bab/port/loopback.hpp>
#include <bab/port/loopback_pair.hpp>
#include <bab/port/port.hpp>

#include "in_child.hpp"
#include "packets.hpp"

namespace bab::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

BufferPoolOptions small(const char* name = "a") {
  return {.name = name, .buffers = 16, .data_room = 512, .cache = 4};
}

/// A page of EAL's memory. eal_is() tells whether the page is still there.
void* eal_page() {
  void* page = nullptr;
  rte_memseg_list_walk(
      [](const rte_memseg_list* list, void* into) {
        *static_cast<void**>(into) = list->base_va;
        return 1;
      },
      &page);
  return page;
}
std::string eal_is(const void* page) {
  unsigned char resident;
  return mincore(const_cast<void*>(page), 1, &resident) == 0 ? "there" : "gone";
}

void expect_said(const Said& said, const std::string& result) {
  EXPECT_EQ(said.result, result);
  EXPECT_EQ(said.output, "");
  EXPECT_EQ(said.status, 0);
}

TEST(EalOrder, WithoutUsersItGoesAtOnce) {
  expect_said(in_child([] {
                std::optional<Eal> eal(kPlain);
                { const BufferPool pool(small()); }
                const void* page = eal_page();
                eal.reset();
                return eal_is(page);
              }),
              "gone");
}

template <class T>
std::string last_after_eal(std::function<std::unique_ptr<T>()> make) {
  std::optional<Eal> eal(kPlain);
  auto object = make();
  const void* page = eal_page();
  eal.reset();
  std::string text = eal_is(page);
  object.reset();
  return text + ", then " + eal_is(page);
}

TEST(EalOrder, C42_0_APoolMayGoAfterIt) {
  expect_said(
      in_child([] {
        return last_after_eal<BufferPool>([] { return std::make_unique<BufferPool>(small()); });
      }),
      "there, then gone");
}

TEST(EalOrder, ARingAChannelAndALoopbackMayGoAfterIt) {
  expect_said(
      in_child([] {
        return last_after_eal<SpscRing<int>>([] { return std::make_unique<SpscRing<int>>(4); });
      }),
      "there, then gone");
  expect_said(
      in_child([] {
        return last_after_eal<PacketChannel>([] { return std::make_unique<PacketChannel>(4); });
      }),
      "there, then gone");
  expect_said(in_child([] {
                return last_after_eal<Loopback>([] { return std::make_unique<Loopback>(2); });
              }),
              "there, then gone");
  expect_said(
      in_child([] {
        return last_after_eal<LoopbackPair>([] { return std::make_unique<LoopbackPair>(); });
      }),
      "there, then gone");
}

/// The objects of a whole program, as members in their natural order. One message is on its way.
struct Program {
  BufferPool pool{small()};
  Loopback wire;
  Port port{{.id = wire.port_id(), .mtu = 300}, pool};
  FrameRing ring{16};
  PacketChannel channel{4};
  LocalWriter writer{pool, ring, {.payload_capacity = 200, .header_size = 62}};
  Packet kept;

  Program() {
    port.start();
    { const auto aborted = writer.reserve(5); }
    kept = test::packet_with(pool, "kept");
    std::array<SendPacket, 1> sent{kept.clone().send()};
    EXPECT_EQ(channel.try_send(sent), 1U);
  }
};

TEST(EalOrder, AWholeProgramMayGoAfterIt) {
  expect_said(
      in_child([] { return last_after_eal<Program>([] { return std::make_unique<Program>(); }); }),
      "there, then gone");
}

TEST(EalOrder, WhatIsLeftKeepsWorkingUntilItGoes) {
  expect_said(in_child([] {
                std::optional<Eal> eal(kPlain);
                BufferPool pool(small());
                eal.reset();
                const Packet packet = test::packet_with(pool, "late");
                const SpscRing<int> ring(4);
                return test::text_of(packet) + ' ' + std::to_string(ring.capacity());
              }),
              "late 4");
}

TEST(EalOrder, C42_1_APoolOfStaticStorageMayGoAfterMainsEal) {
  expect_said(in_child(
                  [] {
                    static std::unique_ptr<BufferPool> global;
                    const Eal eal(kPlain);
                    global = std::make_unique<BufferPool>(small());
                    return std::string("at the end of main");
                  },
                  true),
              "at the end of main");
}

Packet late;
SendPacket later;

TEST(EalOrder, C42_5_APacketOfStaticStorageMayGoAfterItsPoolAndEal) {
  expect_said(in_child(
                  [] {
                    std::optional<Eal> eal(kPlain);
                    std::optional<BufferPool> pool(small());
                    late = test::packet_with(*pool, "late");
                    later = late.clone().send();
                    pool.reset();
                    eal.reset();
                    return test::text_of(late);
                  },
                  true),
              "late");
}

TEST(EalOrder, EalGoesWithTheNextPoolOnceTheLastPacketIsBack) {
  expect_said(in_child([] {
                std::optional<Eal> eal(kPlain);
                std::optional<BufferPool> pool(small());
                Packet packet = test::packet_with(*pool, "late");
                pool.reset();
                packet = Packet();
                const void* page = eal_page();
                eal.reset();
                return eal_is(page);
              }),
              "gone");
}

TEST(EalOrder, C42_6_NothingCanBeMadeAfterItAndTheSentenceSaysWhy) {
  const auto made_late = [](const std::function<void()>& make) {
    return in_child([&make] {
      { const Eal eal(kPlain); }
      make();
      return std::string("made");
    });
  };
  for (const Said& said :
       {made_late([] { BufferPool pool(small()); }), made_late([] { SpscRing<int> ring(4); }),
        made_late([] { PacketChannel channel(4); }), made_late([] { Loopback wire; }),
        made_late([] { LoopbackPair cable; }), made_late([] { (void)Eal::adopt(); })}) {
    EXPECT_THAT(said.result, StartsWith("Error: "));
    EXPECT_THAT(said.result,
                HasSubstr("was cleaned up, and a process can initialise it only once"));
    EXPECT_EQ(said.output, "");
  }
}

TEST(EalOrder, NothingCanBeMadeBeforeItAndTheSentenceSaysWhy) {
  for (const Said& said : {in_child([] { return (void)BufferPool(small()), std::string(); }),
                           in_child([] { return (void)SpscRing<int>(4), std::string(); }),
                           in_child([] { return (void)Loopback(), std::string(); })})
    EXPECT_THAT(said.result, HasSubstr("EAL isn't initialised yet; make a bab::Eal first"));
}

/// The host calls rte_eal_cleanup() while bab's objects still exist. A host application that owns
/// its EAL may do this.
TEST(EalOrder, WhatAHostCleansUpUnderneathIsLeftAlone) {
  expect_said(in_child([] {
                if (!init_eal(plain_and({"--log-level=1"}))) return std::string("no EAL");
                {
                  const Eal eal = Eal::adopt();
                  const BufferPool pool(small());
                  const Loopback wire;
                  const PacketChannel channel(4);
                  rte_eal_cleanup();
                }
                return std::string("ended");
              }),
              "ended");
}

}  // namespace
}  // namespace bab::test
