#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include <pcap/pcap.h>

#include "pcapng_reader.hpp"

namespace {

using Octets = std::vector<std::uint8_t>;

#define REQUIRE(condition)                                                       \
  if (!(condition)) {                                                            \
    std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
    std::abort();                                                                \
  }                                                                              \
  static_assert(true)

std::FILE* open_bytes(const std::uint8_t* data, std::size_t size) {
  // fmemopen() takes no const, but only reads with "r".
  std::FILE* file = fmemopen(const_cast<std::uint8_t*>(data), size, "r");
  REQUIRE(file != nullptr);
  return file;
}

std::vector<Octets> ours(const std::uint8_t* data, std::size_t size) {
  std::FILE* file = open_bytes(data, size);
  testbab::PcapngReader reader(file);
  std::vector<Octets> frames;
  std::size_t total = 0;
  testbab::CapturedFrame frame;
  testbab::PcapngReader::Read what{};
  while ((what = reader.next(frame)) == testbab::PcapngReader::Read::kFrame) {
    frames.emplace_back(frame.bytes.begin(), frame.bytes.end());
    total += frame.bytes.size();
  }
  REQUIRE(total <= size);
  REQUIRE(reader.error().empty() == (what == testbab::PcapngReader::Read::kEnd));
  std::fclose(file);
  return frames;
}

/// The frames that libpcap reads from a pcapng file before it refuses anything.
std::vector<Octets> libpcaps(const std::uint8_t* data, std::size_t size) {
  std::FILE* file = open_bytes(data, size);
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  pcap_t* reader = pcap_fopen_offline(file, why.data());
  if (reader == nullptr) {
    std::fclose(file);
    return {};
  }
  std::vector<Octets> frames;
  pcap_pkthdr* head = nullptr;
  const u_char* bytes = nullptr;
  while (pcap_next_ex(reader, &head, &bytes) == 1) frames.emplace_back(bytes, bytes + head->caplen);
  pcap_close(reader);
  return frames;
}

}  // namespace

/// Takes any bytes as a pcapng file. libpcap and PcapngReader must find the same frames, as far as
/// both can read the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array<std::uint8_t, 4> kMagic{0x0a, 0x0d, 0x0d, 0x0a};
  if (size == 0) return 0;
  const std::vector<Octets> found = ours(data, size);
  if (size < kMagic.size() || !std::equal(kMagic.begin(), kMagic.end(), data)) {
    REQUIRE(found.empty());
    return 0;
  }
  const std::vector<Octets> expected = libpcaps(data, size);
  const std::size_t both = std::min(found.size(), expected.size());
  REQUIRE(std::equal(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(both),
                     expected.begin()));
  return 0;
}
