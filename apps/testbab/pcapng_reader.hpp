#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace testbab {

/// A frame of a capture file.
struct CapturedFrame {
  std::span<const std::uint8_t> bytes;  ///< as many as were captured; valid until the next read
  /// Since 1970. Simple packet blocks have no stamp.
  std::optional<std::uint64_t> time_ns = std::nullopt;
  bool is_ethernet = true;
};

/// The frames of a pcapng file, in its order. Its interfaces may have different link types,
/// snapshot lengths and clocks, and its sections different byte orders: libpcap refuses files of
/// which the interfaces aren't alike. The format: draft-ietf-opsawg-pcapng. Blocks that hold no
/// frame are passed over.
class PcapngReader {
 public:
  enum class Read : std::uint8_t {
    kFrame,
    kEnd,
    kFailed,  ///< error() says why; no more can be read
  };

  /// The file's first 4 bytes, in either byte order.
  static constexpr std::uint32_t kMagic = 0x0a0d0d0a;

  /// `file`: at its first byte. It must outlive the reader.
  explicit PcapngReader(std::FILE* file) noexcept : file_(file) {}

  Read next(CapturedFrame& frame);

  /// "a block of 7 bytes, and the shortest has 12"; empty: none.
  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  /// The file ended in the middle of a block.
  [[nodiscard]] bool is_cut_short() const noexcept { return cut_short_; }
  /// The link type of the last frame that was no Ethernet's (LINKTYPE_…, as libpcap numbers them).
  [[nodiscard]] unsigned other_link() const noexcept { return other_link_; }

 private:
  struct Interface {
    std::uint16_t link = 0;
    std::uint32_t snap_length = 0;  // 0: none
    std::uint64_t ticks_per_s = 1'000'000;
    std::int64_t offset_s = 0;
  };
  using Bytes = std::span<const std::uint8_t>;

  [[nodiscard]] std::uint16_t u16(Bytes at) const noexcept;
  [[nodiscard]] std::uint32_t u32(Bytes at) const noexcept;
  [[nodiscard]] std::uint64_t u64(Bytes at) const noexcept;
  Read fail(std::string why);
  Read fail_cut_short();
  /// False: the end, or the file failed.
  bool fill(std::size_t bytes);
  bool pass_over(std::uint64_t bytes);
  Read read_block(bool& has_frame, CapturedFrame& frame);
  Read begin_section(std::uint32_t& length);
  Read add_interface(Bytes body);
  Read read_options(Bytes options, Interface& interface);
  Read take_frame(std::uint32_t type, Bytes body, CapturedFrame& frame);
  Read give(std::uint32_t interface, std::uint32_t captured, Bytes data, CapturedFrame& frame);
  [[nodiscard]] static std::uint64_t nanoseconds(const Interface& interface,
                                                 std::uint64_t ticks) noexcept;

  std::FILE* file_;
  std::vector<std::uint8_t> block_;
  std::vector<Interface> interfaces_;  // of the section
  std::string error_;
  unsigned other_link_ = 0;
  bool big_endian_ = false;
  bool in_section_ = false;
  bool cut_short_ = false;
};

}  // namespace testbab
