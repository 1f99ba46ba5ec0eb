/// A primary process with a pool of bab's and a frame in that pool, and a secondary process. The
/// secondary process gets the frame, and must be refused when it makes anything of its own. Usage:
/// secondary FILE_PREFIX HUGE_DIR
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <bab/bab.hpp>

#include <rte_ring.h>

namespace {

constexpr const char* kRing = "frames";
int failures = 0;

void expect(bool good, const std::string& what) {
  if (good) return;
  std::printf("%s\n", what.c_str());
  ++failures;
}

std::vector<std::string> eal_args(const char* const* places, const char* type, const char* lcores) {
  return {"--no-pci",
          "--no-telemetry",
          std::string("--file-prefix=") + places[0],
          std::string("--huge-dir=") + places[1],
          std::string("--proc-type=") + type,
          "--lcores",
          lcores};
}

rte_mbuf* frame(bab::BufferPool& pool) {
  const bab::wire::FrameHeader header({.session = bab::wire::make_session("PRIMARY")});
  constexpr std::uint16_t kPayload = 7;
  rte_mbuf* m = pool.try_acquire();
  auto* at = reinterpret_cast<std::uint8_t*>(
      rte_pktmbuf_append(m, static_cast<std::uint16_t>(header.size() + kPayload)));
  bab::wire::store_be<std::uint16_t>(at + header.size(), 5);
  std::memcpy(at + header.size() + 2, "hello", 5);
  header.stamp(at, kPayload, 1, 1);
  return m;
}

int primary(char** argv) {
  std::vector<std::string> args = eal_args(argv + 1, "primary", "0");
  args.insert(args.end(), {"-m", "32"});
  const bab::Eal eal(args);
  bab::BufferPool pool({.name = "primary", .buffers = 16});
  const bab::FrameRing first(16);  // "bab_ring_0"
  rte_ring* ring = rte_ring_create(kRing, 16, SOCKET_ID_ANY, 0);
  expect(ring != nullptr && rte_ring_enqueue(ring, frame(pool)) == 0, "the frame is handed over");
  if (fork() == 0) {
    execl("/proc/self/exe", argv[0], argv[1], argv[2], "secondary", nullptr);
    _exit(9);
  }
  int status = -1;
  wait(&status);
  expect(status == 0, "the secondary process ended with status " + std::to_string(status));
  expect(pool.in_use() == 0, "the frame is back in its pool");
  rte_ring_free(ring);
  return failures;
}

void expect_refused(const char* what, const std::function<void()>& make) {
  std::string sentence = "made";
  try {
    make();
  } catch (const bab::Error& e) {
    sentence = e.what();
  }
  expect(sentence.find("this is a secondary process") != std::string::npos,
         std::string(what) + ": " + sentence);
}

int secondary(char** argv) {
  const bab::Eal eal(eal_args(argv + 1, "secondary", "1@0"));
  expect_refused("BufferPool", [] { bab::BufferPool({.name = "secondary", .buffers = 16}); });
  expect_refused("FrameRing", [] { bab::FrameRing(16); });
  expect_refused("Channel", [] { bab::PacketChannel(4); });
  expect_refused("Loopback", [] { bab::Loopback(); });
  expect_refused("LoopbackPair", [] { bab::LoopbackPair(); });
  void* object = nullptr;
  expect(rte_ring_dequeue(rte_ring_lookup(kRing), &object) == 0, "the frame comes");
  auto* m = static_cast<rte_mbuf*>(object);
  expect(bab::BufferPool::of(m) == nullptr, "it is of no pool here");
  bab::Framer framer;
  expect(!framer.accept(m), "it is refused");
  expect(framer.drops()[bab::Drop::kForeignBuffer] == 1, "as foreign_buffer");
  return failures;
}

}  // namespace

int main(int argc, char** argv) try {
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  return argc > 3 ? secondary(argv) : argc == 3 ? primary(argv) : 2;
} catch (const std::exception& e) {
  std::printf("%s\n", e.what());
  return 2;
}
