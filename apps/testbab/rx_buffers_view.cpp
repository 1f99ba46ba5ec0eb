#include "rx_buffers_view.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace testbab {

std::string rx_buffers_text(const bab::Port& port) {
  const bab::RxBuffers& b = port.rx_buffers();
  const std::uint32_t more = b.bytes > b.frame ? b.bytes - b.frame : 0;
  const bab::BufferPool& pool = port.rx_pool();
  return fmt::format(
      "RX buffers: {} bytes each, frames have up to {}: {}; {} of them in pool {}, {} held by the "
      "driver; what is more than a frame costs {} KiB\n",
      b.bytes, b.frame, bab::split_name(b.split), pool.size(), pool.name(),
      b.held ? fmt::format("{}", *b.held) : "an unknown number",
      std::uint64_t{more} * pool.size() / 1024);
}

nlohmann::ordered_json rx_buffers_json(const bab::RxBuffers& b) {
  return {{"bytes", b.bytes},
          {"driver_bytes", b.driver_bytes},
          {"frame_bytes", b.frame},
          {"frames", bab::split_name(b.split)},
          {"held", b.held ? nlohmann::ordered_json(*b.held) : nlohmann::ordered_json()}};
}

std::string split_note(const bab::Port& port, std::optional<unsigned> mbuf_size) {
  const bab::RxBuffers& b = port.rx_buffers();
  const bool splits = b.split == bab::FrameSplit::kSplit;
  // What was chosen for the driver is the best there is, and says no more than that its function
  // can.
  if (!splits && (b.split != bab::FrameSplit::kPossible || !mbuf_size)) return "";
  const std::uint32_t used = b.driver_bytes != 0 ? b.driver_bytes : b.bytes;
  return fmt::format(
      "port {}: a frame of its MTU of {} {} several receive buffers, which hold {} bytes each, and "
      "is gathered into one, at the price of a copy; {}",
      port.id(), port.mtu(), splits ? "takes" : "may take", used,
      mbuf_size ? fmt::format("leave --mbuf-size={} out to be without", *mbuf_size)
                : "lower its MTU to be without");
}

}  // namespace testbab
